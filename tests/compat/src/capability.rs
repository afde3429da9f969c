//! What a client can do against the server: the rows of the table in `docs/compat.md`.

/// One row: shown by a suite in which, for each part, a passing case has that part in its name.
pub(crate) struct Capability {
    pub(crate) title: &'static str,
    pub(crate) all_of: &'static [&'static str],
}

const fn row(title: &'static str, all_of: &'static [&'static str]) -> Capability {
    Capability { title, all_of }
}

/// All rows.
pub(crate) const CAPABILITIES: &[Capability] = &[
    row(
        "gzip, snappy, lz4, zstd",
        &[
            "consume: gzip",
            "consume: snappy",
            "consume: lz4",
            "consume: zstd",
        ],
    ),
    row("headers", &["headers"]),
    row("1 MiB records", &["1 MiB record"]),
    row("acks 0 and 1", &["acks 0 and 1"]),
    row("idempotent producer", &["idempotent producer"]),
    row(
        "idempotent producer and group over `kill -9`",
        &["none lost, none twice"],
    ),
    row(
        "batches larger than the fetch limits",
        &["larger than every fetch limit"],
    ),
    row("read committed", &["read committed"]),
    row("long poll", &["long poll"]),
    row("many partitions in one fetch", &["of many partitions"]),
    row("seek by time", &["time"]),
    row("lag", &["lag by the client"]),
    row("committed offsets", &["resume"]),
    row("group with rebalance", &["group with rebalance"]),
    row("cooperative rebalance", &["ooperative"]),
    row("static members", &["static member"]),
    row("KIP-848 groups", &["group with rebalance: KIP-848"]),
    row("KIP-848 static members", &["without a rebalance: KIP-848"]),
    row("members move to KIP-848 and back", &["members move to KIP-848"]),
    row("subscription by expression", &["regular expression"]),
    row("admin: topics and partitions", &["admin: ", "artitions"]),
    row("admin: configs", &["admin: ", "configs"]),
    row("admin: delete records", &["admin: ", "records"]),
    row("admin: groups and their offsets", &["admin: ", "groups"]),
    row("admin: cluster", &["admin: ", "cluster"]),
    row("delete and create a topic again", &["deleted and created again"]),
];
