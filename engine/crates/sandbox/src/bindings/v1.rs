//! Version 1 of the contract: what wasmtime generates from `wit/`, one module a
//! world.
//!
//! The types of the contract come from [`mapper`]; the other worlds point at
//! them, so that a record is the same Rust type wherever it crosses.

/// What every component exports, whatever its duty: enough to ask it what it is.
pub mod described {
    wasmtime::component::bindgen!({
        path: "../../../wit",
        inline: "
            package caso:host;

            world described {
                export caso:accounting/description@1.0.0;
            }
        ",
        world: "caso:host/described",
        exports: { default: async },
        with: {
            "caso:accounting/types@1.0.0": super::mapper::caso::accounting::types,
            "caso:accounting/descriptions@1.0.0": super::mapper::caso::accounting::descriptions,
        },
        require_store_data_send: true,
    });
}

/// The world `mapper`.
pub mod mapper {
    wasmtime::component::bindgen!({
        path: "../../../wit",
        world: "mapper",
        imports: { default: async | trappable },
        exports: { default: async },
        require_store_data_send: true,
    });
}

/// The world `messenger`.
pub mod messenger {
    wasmtime::component::bindgen!({
        path: "../../../wit",
        world: "messenger",
        imports: { default: async | trappable },
        exports: { default: async },
        require_store_data_send: true,
        with: {
            "caso:accounting/types@1.0.0": super::mapper::caso::accounting::types,
            "caso:accounting/descriptions@1.0.0": super::mapper::caso::accounting::descriptions,
            "caso:accounting/records@1.0.0": super::mapper::caso::accounting::records,
            "caso:accounting/log@1.0.0": super::mapper::caso::accounting::log,
        },
    });
}

/// The one interface of the package for signatures.
pub mod signature {
    wasmtime::component::bindgen!({
        path: ["../../../wit", "../../../wit/signature"],
        world: "caso:signature/signer",
        imports: { default: async | trappable },
        require_store_data_send: true,
    });
}

/// The world `filter`, of the package beside the contract.
pub mod filter {
    wasmtime::component::bindgen!({
        path: ["../../../wit", "../../../wit/filter"],
        world: "caso:filter/filter",
        imports: { default: async | trappable },
        exports: { default: async },
        require_store_data_send: true,
        with: {
            "caso:accounting/types@1.0.0": super::mapper::caso::accounting::types,
            "caso:accounting/descriptions@1.0.0": super::mapper::caso::accounting::descriptions,
            "caso:accounting/records@1.0.0": super::mapper::caso::accounting::records,
            "caso:accounting/log@1.0.0": super::mapper::caso::accounting::log,
            "caso:accounting/deliveries@1.0.0": super::messenger::caso::accounting::deliveries,
        },
    });
}

/// The interface `http`, of the package beside the contract. Its world is `messenger`
/// otherwise.
pub mod http {
    wasmtime::component::bindgen!({
        path: ["../../../wit", "../../../wit/http"],
        inline: "
            package caso:host;

            world http {
                import caso:http/http@1.0.0;
            }
        ",
        world: "caso:host/http",
        imports: { default: async | trappable },
        require_store_data_send: true,
    });
}
