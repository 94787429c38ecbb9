/// The delivery thread's numbers.
enum DeliveryLimit {
    static let linesPerBatch = 500
    static let bytesPerBatch = 1 << 20
    /// How many events are encoded before others may run.
    static let encodedAtOnce = 32
    /// How long lines are gathered before a batch that is not full is sent.
    static let gathering: UInt64 = 500_000_000
    /// How often the thread looks at the queue while requests come in, instead of being woken by each.
    static let look: UInt64 = 5_000_000
    /// For how long it does so after the last event, before it sleeps for good.
    static let linger: UInt64 = 100_000_000
    /// How many events are encoded at a time while others are on their way.
    static let encodedAhead = 16
    static let reopening: UInt64 = 60_000_000_000
    /// Failures, each with a success of others before it, after which a payload is given up.
    static let ownFailures = 30
    /// How often one event is tried while the backend is down, before another is.
    static let probes = 3
    /// How long the backend may be down before events go to the spool: so much may be lost with the process.
    static let patience: UInt64 = 1_000_000_000
    /// How often they do then.
    static let spooling: UInt64 = 250_000_000
    /// How long before a shutdown's deadline sending stops, so that what is left gets to disk on a busy machine too.
    static let spoolingReserve: UInt64 = 100_000_000
    /// What writing one event to the spool may take, generously.
    static let spoolingPerEvent: UInt64 = 12_000
}
