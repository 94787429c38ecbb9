/// Limits delivery's share of the processors when requests need them.
///
/// One POST per event costs as much as a whole small request. When requests come faster than that and all processors
/// are busy, the queue overflows whatever delivery does, and each event delivered is a request not answered. Then, and
/// only then, delivery gets a thirtieth of the processors.
struct DeliveryBrake {
    /// How often the load is judged, in nanoseconds; also the longest rest.
    static let window: UInt64 = 20_000_000
    /// The share of all processors that delivery may use while the brake is on: one in this many.
    static let share = 30

    /// How many windows the brake stays on while the queue overflows. A thread that rests most of the time hardly waits
    /// for a processor, so whether they are all busy shows only in a window without the brake.
    static let hold = 25

    /// The thread's CPU time per window, in nanoseconds; nil if even a whole processor is within its share.
    private let budget: UInt64?
    private let usage: () -> ThreadUsage?
    private var start: UInt64 = 0
    private var usageAtStart: ThreadUsage?
    private var knownRefusals = 0
    /// How many more windows the brake stays on.
    private var windows = 0

    var isOn: Bool { windows > 0 }

    /// - Parameters:
    ///   - processors: how many the process may use.
    ///   - usage: the delivery thread's CPU usage so far; nil if unknown, and then the brake is never on.
    init(processors: Int, usage: @escaping () -> ThreadUsage?) {
        budget = processors < Self.share ? Self.window * UInt64(max(1, processors)) / UInt64(Self.share) : nil
        self.usage = usage
    }

    /// Decides whether to rest before a turn.
    ///
    /// - Parameters:
    ///   - now: monotonic nanoseconds.
    ///   - refusals: events refused so far because the queue was full.
    /// - Returns: until when to rest; nil to go on.
    mutating func rest(now: UInt64, refusals: Int) -> UInt64? {
        guard let budget else { return nil }
        guard now &- start < Self.window else {
            let current = usage()
            if refusals == knownRefusals {
                windows = 0
            } else if windows > 0 {
                windows -= 1
            } else if Self.lacksProcessors(current, since: usageAtStart) {
                windows = Self.hold
            }
            start = now
            usageAtStart = current
            knownRefusals = refusals
            return nil
        }
        guard isOn, let current = usage(), let usageAtStart, current.ran &- usageAtStart.ran >= budget else {
            return nil
        }
        return start + Self.window
    }

    /// Whether the thread waited for a processor more than half as long as it ran, and for a fifth of the window: on an
    /// idle machine both times are tiny, and their ratio means nothing.
    private static func lacksProcessors(_ current: ThreadUsage?, since before: ThreadUsage?) -> Bool {
        guard let current, let before else { return false }
        let waited = current.waited &- before.waited
        return waited > window / 5 && waited > (current.ran &- before.ran) / 2
    }
}
