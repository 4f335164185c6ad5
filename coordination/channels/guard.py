"""Which addresses an outgoing call may reach when others had a say in where it goes.

Somebody may write the address of a machine inside our own network, or one that only later points there. So
what is judged are the addresses behind the name, all of them, and the call goes to these very addresses.
"""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final
from urllib.parse import urlsplit

from coordination.channels.exchange import NotSent
from coordination.channels.options import Options

# All of version 6 that is given out for use in the open internet.
_OPEN_V6: Final = IPv6Network("2000::/3")
# Part of the open ranges by their numbers, and yet not the open internet: tunnels and translators (behind
# which may stand anything), documentation, and addresses that a cloud answers to its own machines. Python's
# own lists lack some of them, which ones depends on its version.
_NEVER: Final = tuple(
    map(
        ip_network,
        ("192.0.0.0/24", "192.88.99.0/24", "168.63.129.16/32", "2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20"),
    )
)  # fmt: skip


class NotAllowed(NotSent):
    """The call must not go there, now or ever."""


@dataclass(frozen=True)
class Guard:
    """`inner` are networks that may be called although nobody outside could reach them."""

    inner: tuple[IPv4Network | IPv6Network, ...] = ()
    plain_http: bool = False

    def host_of(self, url: str) -> str:
        """Return the host of an address that may be called, as it is looked up.

        :raises NotAllowed: if it is no plain https address.
        """
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError as wrong:
            raise NotAllowed(f"no address: {wrong}") from wrong
        if parts.scheme != "https" and not (self.plain_http and parts.scheme == "http"):
            raise NotAllowed("not https")
        if parts.username is not None or parts.password is not None:
            raise NotAllowed("a name or a password in the address")
        host = parts.hostname or ""
        # What a browser and a resolver would read differently is read by neither.
        if not host or not url.isascii() or any(one <= " " or one in "\\\x7f" for one in url) or port == 0:
            raise NotAllowed("no plain address")
        return host.rstrip(".")

    def admit(self, address: str) -> None:
        """:raises NotAllowed: if that address is nobody's in the open internet, nor in an inner network."""
        try:
            found = ip_address(address)
        except ValueError as wrong:
            raise NotAllowed(f"{address}: no address") from wrong
        if isinstance(found, IPv6Address) and found.ipv4_mapped:
            found = found.ipv4_mapped
        if not any(found in network for network in self.inner) and not _is_open(found):
            raise NotAllowed(f"{address}: an inner address")


def networks(options: Options, name: str) -> tuple[IPv4Network | IPv6Network, ...]:
    """Read "192.0.2.7, 10.0.0.0/8" from a channel's options."""
    found = []
    for part in filter(None, (part.strip() for part in options.get(name, "").split(","))):
        try:
            found.append(ip_network(part))
        except ValueError:
            raise options.wrong(
                name, f"“{part}”不是 IP 或网段，写成“192.0.2.7, 10.0.0.0/8”的样子",
                f"“{part}” is not an address or a network; write it like “192.0.2.7, 10.0.0.0/8”",
            ) from None  # fmt: skip
    return tuple(found)


def _is_open(address: IPv4Address | IPv6Address) -> bool:
    if isinstance(address, IPv6Address) and address not in _OPEN_V6:
        return False
    if any(address in network for network in _NEVER):
        return False
    # `is_global` calls a multicast address global.
    return address.is_global and not (address.is_multicast or address.is_reserved)
