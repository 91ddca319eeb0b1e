//! Ids that follow from numbers, so that a test can name what the cloud will
//! answer, and the cloud can find a server by its id without a table.

/// Keystone's ids are 32 hexadecimal digits without dashes.
pub fn project_id(n: usize) -> String {
    format!("9000{n:028x}")
}

pub fn user_id(n: usize) -> String {
    format!("a000{n:028x}")
}

/// Flavor ids are what the operator chose; these look like Nova's own choice.
pub fn flavor_id(n: usize) -> String {
    format!("f1a00000-0000-4000-8000-{n:012x}")
}

pub fn image_id(n: usize) -> String {
    format!("13a9e000-0000-4000-8000-{n:012x}")
}

/// The `n`-th server of the `project`-th project.
pub fn server_id(project: usize, n: usize) -> String {
    format!("5e000000-{project:04x}-4000-8000-{n:012x}")
}

/// The `n`-th volume of the `project`-th project.
pub fn volume_id(project: usize, n: usize) -> String {
    format!("701e0000-{project:04x}-4000-8000-{n:012x}")
}

/// The `n`-th floating IP of the `project`-th project.
pub fn floating_ip_id(project: usize, n: usize) -> String {
    format!("f1000000-{project:04x}-4000-8000-{n:012x}")
}

/// The number of a generated server of that project, if this is its id.
pub fn server_number(project: usize, id: &str) -> Option<usize> {
    let n = usize::from_str_radix(id.get(24..)?, 16).ok()?;
    (server_id(project, n) == id).then_some(n)
}
