//! Networks from a pool of our own: Docker's default pools hold about thirty and clash with VPNs.

use std::net::Ipv4Addr;

/// An IPv4 network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Subnet {
    address: u32,
    prefix: u32,
}

impl Subnet {
    /// Reads CIDR notation; `None` for anything else, IPv6 included.
    pub fn parse(text: &str) -> Option<Self> {
        let (address, prefix) = text.split_once('/')?;
        let address: Ipv4Addr = address.parse().ok()?;
        let prefix: u32 = prefix.parse().ok().filter(|prefix| *prefix <= 32)?;
        Some(Self { address: u32::from(address) & mask(prefix), prefix })
    }

    /// Whether any address is in both.
    pub fn overlaps(self, other: Subnet) -> bool {
        let common = mask(self.prefix.min(other.prefix));
        self.address & common == other.address & common
    }
}

impl std::fmt::Display for Subnet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", Ipv4Addr::from(self.address), self.prefix)
    }
}

fn mask(prefix: u32) -> u32 {
    u32::MAX.checked_shl(32 - prefix).unwrap_or(0)
}

/// Prefix length of one environment's network: 61 services fit.
const PREFIX: u32 = 26;

/// The subnets of `pool` that overlap none of `taken`, beginning at a place that depends on `seed`, so
/// that environments started at the same time seldom try the same one first.
pub fn free_subnets<'a>(pool: Subnet, taken: &'a [Subnet], seed: &str) -> impl Iterator<Item = Subnet> + 'a {
    let count = 1_u32 << PREFIX.saturating_sub(pool.prefix);
    let first = seed.bytes().fold(0_u32, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte.into())) % count;
    (0..count)
        .map(move |offset| (first + offset) % count)
        .map(move |index| Subnet { address: pool.address + index * (1 << (32 - PREFIX)), prefix: PREFIX })
        .filter(move |candidate| !taken.iter().any(|other| other.prefix > 0 && other.overlaps(*candidate)))
}

/// The networks that this host routes to (Linux: `/proc/net/route`, proc(5)); empty elsewhere.
pub fn host_routes() -> Vec<Subnet> {
    let text = std::fs::read_to_string("/proc/net/route").unwrap_or_default();
    text.lines().skip(1).filter_map(route).collect()
}

fn route(line: &str) -> Option<Subnet> {
    let mut fields = line.split_whitespace().skip(1);
    // The kernel prints both in host byte order of a big-endian value.
    let number = |text: &str| u32::from_str_radix(text, 16).ok().map(u32::swap_bytes);
    let address = number(fields.next()?)?;
    let mask = number(fields.nth(5)?)?;
    (mask != 0).then(|| Subnet { address, prefix: mask.count_ones() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn taken_subnets_are_passed_over() {
        let pool = Subnet::parse("10.213.0.0/24").unwrap();
        let taken = [Subnet::parse("10.213.0.0/25").unwrap(), Subnet::parse("0.0.0.0/0").unwrap()];
        let mut free: Vec<String> = free_subnets(pool, &taken, "x").map(|subnet| subnet.to_string()).collect();
        free.sort();
        assert_eq!(free, ["10.213.0.128/26", "10.213.0.192/26"]);
    }

    #[test]
    fn routes_are_read_as_the_kernel_writes_them() {
        let line = "eth0\t000200C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0";
        assert_eq!(route(line).unwrap().to_string(), "192.0.2.0/24");
        assert_eq!(route("eth0\t00000000\t010200C0\t0003\t0\t0\t0\t00000000\t0\t0\t0"), None);
    }
}
