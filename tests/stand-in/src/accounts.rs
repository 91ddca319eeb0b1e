//! Who may log in to the stand-in, and how.

/// Somebody who can log in with a password.
#[derive(Clone, Debug)]
pub struct Account {
    pub id: String,
    pub name: String,
    pub password: String,
    /// The role on the projects in `reach`; only `reader`, `member` and
    /// `admin` are allowed to read, as in OpenStack's own policies.
    pub role: String,
    pub reach: Reach,
    /// Whether the role holds for the system scope as well.
    pub system: bool,
}

/// What Keystone knows of an OpenID Provider.
#[derive(Clone, Debug)]
pub struct Federation {
    pub identity_provider: String,
    pub protocol: String,
    pub clients: Vec<Client>,
}

/// A client of the provider.
#[derive(Clone, Debug)]
pub struct Client {
    pub id: String,
    pub secret: String,
    /// Registered as `client_secret_post`, not `client_secret_basic`.
    pub posts: bool,
    /// How long its access tokens live.
    pub token_seconds: i64,
    /// The account, by id, that Keystone's mapping makes of it; none where no
    /// rule fits.
    pub account: Option<String>,
    /// The account is an ephemeral one: Keystone answers 500 when such a one
    /// asks for the system.
    pub ephemeral: bool,
}

/// On which projects an account has its role.
#[derive(Clone, Debug)]
pub enum Reach {
    All,
    Only(Vec<String>),
}

impl Reach {
    pub fn has(&self, project: &str) -> bool {
        match self {
            Reach::All => true,
            Reach::Only(ids) => ids.iter().any(|id| id == project),
        }
    }
}

/// A credential bound to one project; it cannot ask for a scope.
#[derive(Clone, Debug)]
pub struct ApplicationCredential {
    pub id: String,
    pub name: String,
    pub secret: String,
    /// The account it stands for, by id.
    pub user_id: String,
    pub project_id: String,
}
