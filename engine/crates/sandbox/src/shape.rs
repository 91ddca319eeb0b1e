//! What a component looks like, before a compiler is let loose on it.
//!
//! Compiling costs more than the bytes say: 498 of them, components that instantiate
//! each other twice, are millions of instances when they are inlined; a function of
//! eight bytes may declare 50,000 locals, and a loop costs for each local of its
//! function. So the bytes are read once, which takes as long as they are many, and what
//! no compiler should see is refused with the reason. The bounds are far above what
//! Rust, C, Python and JavaScript come to.

use wasmparser::{
    ComponentAlias, ComponentExternalKind, ComponentInstance, ComponentOuterAliasKind,
    ComponentTypeRef, FunctionBody, Instance, Operator, Parser, Payload,
};

/// Components and modules inside of each other.
const DEPTH: usize = 64;
/// Components and modules in all.
const PARTS: u64 = 1_000;
/// Instances, each time that one is made.
const INSTANCES: u64 = 2_000;
/// Bytes of a function.
const BODY: usize = 1 << 20;
/// Locals of all functions together.
const LOCALS: u64 = 5_000_000;
/// Locals of a function times its loops.
const LOCALS_IN_LOOPS: u64 = 1_500_000;
/// Blocks inside of each other: translating one looks at those around it. A `switch` of an
/// interpreter has one for each case.
const NESTED: u64 = 5_000;
/// Parameters and results of a function. What a call gives, the next one may take: 2 bytes
/// then stand for as many values.
const PARAMETERS: u64 = 500;
const RESULTS: u64 = 64;
/// Elements of tables that are listed.
const ELEMENTS: u64 = 100_000;
/// Functions of all modules.
const FUNCTIONS: u64 = 250_000;

/// Why it is not compiled.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ShapeError {
    /// It is not even well-formed.
    #[error("{0}")]
    Malformed(String),
    /// There is more of something than any honest component has.
    #[error("it has more than {most} {what}")]
    TooMuch {
        /// Of what.
        what: &'static str,
        /// So many would do.
        most: u64,
    },
}

impl From<wasmparser::BinaryReaderError> for ShapeError {
    fn from(error: wasmparser::BinaryReaderError) -> Self {
        Self::Malformed(error.to_string())
    }
}

/// Reads a component through.
pub fn check(bytes: &[u8]) -> Result<(), ShapeError> {
    let mut shape = Shape::default();
    for payload in Parser::new(0).parse_all(bytes) {
        shape.payload(payload?)?;
    }
    Ok(())
}

/// What was counted.
#[derive(Default)]
struct Shape {
    /// Those that are open, outermost first.
    open: Vec<Open>,
    parts: u64,
    /// Instances of the dearest component so far: what one costs that comes from
    /// somewhere else is not known, but no more than this.
    dearest: u64,
    functions: u64,
    locals: u64,
    elements: u64,
    /// Parameters are locals, too: those of each type, of the module that is open.
    parameters: Vec<u64>,
    /// Types of the functions whose bodies are still to come.
    bodies: std::collections::VecDeque<u32>,
}

/// A component or module that is being read.
#[derive(Default)]
struct Open {
    component: bool,
    /// Instances that an instance of each known component makes.
    components: Vec<u64>,
    /// Those that an instance of this one makes.
    instances: u64,
}

fn within(count: u64, most: u64, what: &'static str) -> Result<(), ShapeError> {
    match count > most {
        true => Err(ShapeError::TooMuch { what, most }),
        false => Ok(()),
    }
}

impl Shape {
    fn payload(&mut self, payload: Payload<'_>) -> Result<(), ShapeError> {
        match payload {
            Payload::Version { encoding, .. } => {
                self.parts += 1;
                within(self.parts, PARTS, "components and modules")?;
                self.open.push(Open {
                    component: encoding == wasmparser::Encoding::Component,
                    ..Open::default()
                });
                self.parameters.clear();
                self.bodies.clear();
                let depth = u64::try_from(self.open.len()).unwrap_or(u64::MAX);
                within(depth, DEPTH as u64, "components inside of each other")?;
            }
            Payload::End(_) => self.end(),
            Payload::ComponentInstanceSection(section) => {
                for instance in section {
                    if let ComponentInstance::Instantiate {
                        component_index, ..
                    } = instance?
                    {
                        self.instantiate(component_index)?;
                    }
                }
            }
            Payload::InstanceSection(section) => {
                for instance in section {
                    if let Instance::Instantiate { .. } = instance? {
                        self.count(1)?;
                    }
                }
            }
            Payload::ComponentImportSection(section) => {
                for import in section {
                    if let ComponentTypeRef::Component(_) = import?.ty {
                        self.known(self.dearest);
                    }
                }
            }
            Payload::ComponentAliasSection(section) => {
                for alias in section {
                    self.alias(&alias?);
                }
            }
            Payload::TypeSection(section) => {
                for group in section {
                    for ty in group?.types() {
                        let (parameters, results) = match &ty.composite_type.inner {
                            wasmparser::CompositeInnerType::Func(ty) => {
                                (ty.params().len() as u64, ty.results().len() as u64)
                            }
                            _ => (0, 0),
                        };
                        within(parameters, PARAMETERS, "parameters of one function")?;
                        within(results, RESULTS, "results of one function")?;
                        self.parameters.push(parameters);
                    }
                }
            }
            Payload::FunctionSection(section) => {
                for ty in section {
                    self.bodies.push_back(ty?);
                    self.functions += 1;
                    within(self.functions, FUNCTIONS, "functions")?;
                }
            }
            Payload::ElementSection(section) => {
                for element in section {
                    let count = match element?.items {
                        wasmparser::ElementItems::Functions(items) => items.count(),
                        wasmparser::ElementItems::Expressions(_, items) => items.count(),
                    };
                    self.elements += u64::from(count);
                    within(self.elements, ELEMENTS, "elements of tables")?;
                }
            }
            Payload::CodeSectionEntry(body) => self.body(&body)?,
            _ => {}
        }
        Ok(())
    }

    fn end(&mut self) {
        let Some(done) = self.open.pop() else { return };
        if done.component {
            let cost = done.instances.saturating_add(1);
            self.dearest = self.dearest.max(cost);
            self.known(cost);
        }
    }

    /// One more component has an index in the one that is open.
    fn known(&mut self, cost: u64) {
        if let Some(open) = self.open.last_mut() {
            open.components.push(cost);
        }
    }

    fn alias(&mut self, alias: &ComponentAlias<'_>) {
        match *alias {
            ComponentAlias::InstanceExport {
                kind: ComponentExternalKind::Component,
                ..
            } => self.known(self.dearest),
            ComponentAlias::Outer {
                kind: ComponentOuterAliasKind::Component,
                count,
                index,
            } => {
                let from_the_end = usize::try_from(count).unwrap_or(usize::MAX);
                let outer = self.open.iter().rev().nth(from_the_end);
                let place = usize::try_from(index).unwrap_or(usize::MAX);
                let cost = outer.and_then(|outer| outer.components.get(place).copied());
                self.known(cost.unwrap_or(self.dearest));
            }
            _ => {}
        }
    }

    fn instantiate(&mut self, component: u32) -> Result<(), ShapeError> {
        let place = usize::try_from(component).unwrap_or(usize::MAX);
        let known = self.open.last().and_then(|open| open.components.get(place));
        self.count(known.copied().unwrap_or(self.dearest).max(1))
    }

    fn count(&mut self, instances: u64) -> Result<(), ShapeError> {
        let Some(open) = self.open.last_mut() else {
            return Ok(());
        };
        open.instances = open.instances.saturating_add(instances);
        within(open.instances, INSTANCES, "instances")
    }

    fn body(&mut self, body: &FunctionBody<'_>) -> Result<(), ShapeError> {
        if body.range().len() > BODY {
            return Err(ShapeError::TooMuch {
                what: "bytes in one function",
                most: BODY as u64,
            });
        }
        let ty = self
            .bodies
            .pop_front()
            .and_then(|ty| usize::try_from(ty).ok());
        let parameters = ty.and_then(|ty| self.parameters.get(ty).copied());
        let mut locals = parameters.unwrap_or_default();
        for declared in body.get_locals_reader()? {
            locals = locals.saturating_add(u64::from(declared?.0));
        }
        self.locals = self.locals.saturating_add(locals);
        within(self.locals, LOCALS, "locals")?;
        let (mut loops, mut nested) = (0u64, 0u64);
        let mut operators = body.get_operators_reader()?;
        while !operators.eof() {
            match operators.read()? {
                Operator::Loop { .. } => {
                    loops += 1;
                    nested += 1;
                    within(
                        locals.saturating_mul(loops),
                        LOCALS_IN_LOOPS,
                        "locals times loops in one function",
                    )?;
                }
                Operator::Block { .. } | Operator::If { .. } => nested += 1,
                Operator::End => nested = nested.saturating_sub(1),
                _ => {}
            }
            within(nested, NESTED, "blocks inside of each other")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leb(mut value: usize) -> Vec<u8> {
        let mut bytes = Vec::new();
        loop {
            let byte = (value & 0x7f) as u8;
            value >>= 7;
            if value == 0 {
                bytes.push(byte);
                return bytes;
            }
            bytes.push(byte | 0x80);
        }
    }

    fn section(id: u8, body: &[u8]) -> Vec<u8> {
        [&[id], &leb(body.len())[..], body].concat()
    }

    const COMPONENT: &[u8] = b"\0asm\x0d\0\x01\0";
    const MODULE: &[u8] = b"\0asm\x01\0\0\0";

    /// Each component makes two instances of the one inside of it.
    fn nest_bomb(depth: usize) -> Vec<u8> {
        (0..depth).fold(COMPONENT.to_vec(), |inner, _| {
            let twice = [2, 0, 0, 0, 0, 0, 0];
            [COMPONENT, &section(4, &inner), &section(5, &twice)].concat()
        })
    }

    fn module(functions: usize, body: &[u8]) -> Vec<u8> {
        let types = section(1, &[1, 0x60, 0, 0]);
        let declared = section(3, &[leb(functions), vec![0; functions]].concat());
        let body = [&leb(body.len())[..], body].concat();
        let code = section(10, &[leb(functions), body.repeat(functions)].concat());
        let module = [MODULE, &types, &declared, &code].concat();
        [COMPONENT, &section(1, &module)].concat()
    }

    /// So many locals of type i32, and loops inside of each other.
    fn body(locals: usize, loops: usize) -> Vec<u8> {
        let declared = [vec![1], leb(locals), vec![0x7f]].concat();
        let begins = [0x03, 0x40].repeat(loops);
        let ends = vec![0x0b; loops + 1];
        [declared, begins, ends].concat()
    }

    fn refused(bytes: &[u8]) -> String {
        check(bytes).unwrap_err().to_string()
    }

    /// g13 to g17, g24 and g27 of the sandbox's review, and B2 of the contract's: each
    /// took gigabytes or minutes to compile.
    #[test]
    fn what_no_compiler_should_see_is_refused_by_its_shape() {
        let bomb = nest_bomb(24);
        assert!(bomb.len() < 500);
        assert_eq!(refused(&bomb), "it has more than 2000 instances");
        assert!(refused(&nest_bomb(70)).contains("inside of each other"));
        let side_by_side = section(4, COMPONENT).repeat(15_000);
        let many = [COMPONENT, &side_by_side].concat();
        assert!(refused(&many).contains("1000 components and modules"));
        assert!(refused(&module(20_000, &body(49_000, 0))).contains("5000000 locals"));
        assert!(refused(&module(1, &body(5_000, 900))).contains("locals times loops"));
        assert!(refused(&module(1, &body(49_000, 40))).contains("locals times loops"));
        // 200 functions with 500 calls of 1,000 values each, 777 kB, and minutes.
        let wide = |parameters: usize, results: usize| {
            let ty = [
                vec![1, 0x60],
                leb(parameters),
                vec![0x7f; parameters],
                leb(results),
                vec![0x7f; results],
            ];
            let module = [MODULE, &section(1, &ty.concat())].concat();
            [COMPONENT, &section(1, &module)].concat()
        };
        assert!(refused(&wide(1_000, 0)).contains("500 parameters of one function"));
        assert!(refused(&wide(100, 100)).contains("64 results of one function"));
        assert_eq!(check(&wide(500, 64)), Ok(()));
        // 600 kB, and minutes.
        let blocks = [vec![0], [0x02, 0x40].repeat(6_000), vec![0x0b; 6_001]].concat();
        assert!(refused(&module(1, &blocks)).contains("5000 blocks inside of each other"));
        let long = [body(1, 0), vec![0x01; (1 << 20) + 1]].concat();
        assert!(refused(&module(1, &long)).contains("1048576 bytes in one function"));
    }

    #[test]
    fn what_is_usual_is_not() {
        assert_eq!(check(&nest_bomb(8)), Ok(()));
        assert_eq!(check(&module(20_000, &body(20, 3))), Ok(()));
        assert_eq!(check(&module(1, &body(2_000, 400))), Ok(()));
        let switch = [vec![0], [0x02, 0x40].repeat(3_000), vec![0x0b; 3_001]].concat();
        assert_eq!(check(&module(1, &switch)), Ok(()));
    }

    #[test]
    fn what_is_no_component_is_refused_as_such() {
        assert!(matches!(
            check(b"\0asm\x0d\0\x01\0\xff"),
            Err(ShapeError::Malformed(_))
        ));
    }
}
