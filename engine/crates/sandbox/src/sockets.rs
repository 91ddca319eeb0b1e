//! `wasi:sockets` for a component that was granted addresses.
//!
//! The host resolves the granted endpoints when a store starts; the guest may
//! connect by TCP to those addresses and to no other, and look up those names
//! and no other (a free resolver would be a way out for data). UDP, listening
//! and binding to anything but "any port of mine" stay denied.

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use wasmtime::component::{HasData, Linker, Resource};
use wasmtime_wasi::WasiCtxBuilder;
use wasmtime_wasi::p2::bindings::sockets::ip_name_lookup::{
    self, Host, HostResolveAddressStream, ResolveAddressStream,
};
use wasmtime_wasi::p2::bindings::sockets::network::{ErrorCode, IpAddress, Network};
use wasmtime_wasi::p2::bindings::sockets::{
    instance_network, network, tcp, tcp_create_socket, udp, udp_create_socket,
};
use wasmtime_wasi::p2::{DynPollable, SocketError};
use wasmtime_wasi::sockets::{
    SocketAddrUse, WasiSockets, WasiSocketsCtxView, WasiSocketsView as _,
};

use super::policy::{AddressTerms, Granted};
use super::state::State;
use caso_net::address::{self, Unresolved};

pub fn add_to_linker(l: &mut Linker<State>) -> wasmtime::Result<()> {
    tcp::add_to_linker::<State, WasiSockets>(l, State::sockets)?;
    udp::add_to_linker::<State, WasiSockets>(l, State::sockets)?;
    tcp_create_socket::add_to_linker::<State, WasiSockets>(l, State::sockets)?;
    udp_create_socket::add_to_linker::<State, WasiSockets>(l, State::sockets)?;
    instance_network::add_to_linker::<State, WasiSockets>(l, State::sockets)?;
    let options = network::LinkOptions::default();
    network::add_to_linker::<State, WasiSockets>(l, &options, State::sockets)?;
    ip_name_lookup::add_to_linker::<State, HasLookup>(l, State::lookup)
}

/// Opens the granted endpoints, and nothing else.
pub async fn allow(
    builder: &mut WasiCtxBuilder,
    granted: impl Iterator<Item = &AddressTerms>,
) -> Result<(), Unresolved> {
    let mut allowed = BTreeSet::new();
    for terms in granted {
        allowed.extend(address::resolve(&terms.endpoint, terms.reach).await?);
    }
    if allowed.is_empty() {
        return Ok(());
    }
    let allowed = Arc::new(allowed);
    builder
        .allow_tcp(true)
        .allow_ip_name_lookup(true)
        .socket_addr_check(move |address, usage| {
            let answer = may(&allowed, address, usage);
            Box::pin(async move { answer })
        });
    Ok(())
}

fn may(allowed: &BTreeSet<SocketAddr>, address: SocketAddr, usage: SocketAddrUse) -> bool {
    match usage {
        // A connect binds implicitly first.
        SocketAddrUse::TcpBind => address.ip().is_unspecified() && address.port() == 0,
        SocketAddrUse::TcpConnect => allowed.contains(&address),
        _ => false,
    }
}

/// A resolver that knows the granted names only.
pub struct Lookup<'a> {
    pub sockets: WasiSocketsCtxView<'a>,
    pub granted: &'a Granted,
}

struct HasLookup;

impl HasData for HasLookup {
    type Data<'a> = Lookup<'a>;
}

// The generated code converts errors by the same type that resolves.
impl network::Host for Lookup<'_> {
    fn convert_error_code(&mut self, error: SocketError) -> wasmtime::Result<ErrorCode> {
        self.sockets.convert_error_code(error)
    }

    fn network_error_code(
        &mut self,
        error: Resource<wasmtime::Error>,
    ) -> wasmtime::Result<Option<ErrorCode>> {
        self.sockets.network_error_code(error)
    }
}

impl network::HostNetwork for Lookup<'_> {
    fn drop(&mut self, network: Resource<Network>) -> wasmtime::Result<()> {
        network::HostNetwork::drop(&mut self.sockets, network)
    }
}

impl Host for Lookup<'_> {
    fn resolve_addresses(
        &mut self,
        network: Resource<Network>,
        name: String,
    ) -> Result<Resource<ResolveAddressStream>, SocketError> {
        let granted = self
            .granted
            .addresses()
            .any(|terms| terms.endpoint.host.eq_ignore_ascii_case(&name));
        // Python asks the resolver even for an address.
        if granted || name.parse::<IpAddr>().is_ok() {
            self.sockets.resolve_addresses(network, name)
        } else {
            Err(ErrorCode::AccessDenied.into())
        }
    }
}

impl HostResolveAddressStream for Lookup<'_> {
    fn resolve_next_address(
        &mut self,
        stream: Resource<ResolveAddressStream>,
    ) -> Result<Option<IpAddress>, SocketError> {
        self.sockets.resolve_next_address(stream)
    }

    fn subscribe(
        &mut self,
        stream: Resource<ResolveAddressStream>,
    ) -> wasmtime::Result<Resource<DynPollable>> {
        self.sockets.subscribe(stream)
    }

    fn drop(&mut self, stream: Resource<ResolveAddressStream>) -> wasmtime::Result<()> {
        HostResolveAddressStream::drop(&mut self.sockets, stream)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_granted_address_is_dialled() {
        let address = |text: &str| text.parse::<SocketAddr>().unwrap();
        let allowed = BTreeSet::from([address("192.0.2.1:5000")]);
        for (text, usage, answer) in [
            ("192.0.2.1:5000", SocketAddrUse::TcpConnect, true),
            ("192.0.2.1:5001", SocketAddrUse::TcpConnect, false),
            ("192.0.2.2:5000", SocketAddrUse::TcpConnect, false),
            ("192.0.2.1:5000", SocketAddrUse::UdpSend, false),
            ("0.0.0.0:0", SocketAddrUse::TcpBind, true),
            ("[::]:0", SocketAddrUse::TcpBind, true),
            ("0.0.0.0:80", SocketAddrUse::TcpBind, false),
            ("127.0.0.1:0", SocketAddrUse::TcpBind, false),
            ("0.0.0.0:0", SocketAddrUse::TcpListen, false),
        ] {
            assert_eq!(
                may(&allowed, address(text), usage),
                answer,
                "{text} {usage:?}"
            );
        }
    }
}
