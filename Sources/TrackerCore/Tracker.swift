/// Measures requests and delivers one event for each, in the background.
///
/// One tracker serves a whole process. It starts its thread with the first event; a disabled one never does.
public final class Tracker: Sendable, CustomStringConvertible, CustomReflectable {
    /// What the tracker was made with.
    public let configuration: TrackerConfiguration
    /// nil if analytics are disabled: then a request costs one branch.
    private let gate: RequestGate?
    var mailbox: Mailbox? { gate?.mailbox }

    /// - Parameters:
    ///   - configuration: checked settings.
    ///   - transport: how events travel; nil: over HTTP to the configured backend.
    public init(configuration: TrackerConfiguration, transport: (any EventTransport)? = nil) {
        self.configuration = configuration
        guard !configuration.isDisabled else {
            gate = nil
            return
        }
        let log = TrackerLog(
            level: configuration.logLevel, secret: configuration.projectToken, handler: configuration.logHandler)
        let transport = transport ?? HTTPTransport(configuration: configuration)
        let mailbox = Mailbox(
            capacity: configuration.queueCapacity, maximumBytes: configuration.queueMaximumBytes
        ) { mailbox in
            LastMoment.add(mailbox)
            do {
                try DetachedThread.start(name: "rigidanalytics") {
                    DeliveryLoop(configuration: configuration, transport: transport, mailbox: mailbox, log: log).run()
                    LastMoment.remove(mailbox)
                }
                return true
            } catch {
                LastMoment.remove(mailbox)
                log.write(.error, topic: "thread", "the delivery thread can't be started: \(error)")
                return false
            }
        }
        gate = RequestGate(configuration: configuration, mailbox: mailbox)
        if configuration.backendEndpoint.scheme == "http", !configuration.backendEndpoint.isLoopback {
            log.write(
                .warning,
                "events and the project token travel to \(configuration.backendEndpoint.host) unencrypted; use https")
        }
    }

    deinit {
        // Nobody can wait here; the thread delivers what it can until the usual deadline.
        let timeout = configuration.shutdownTimeout
        _ = mailbox?.close(stopAt: Self.deadline(after: timeout), patience: Self.patience(half: timeout))
    }

    /// Where events go, and what became of them so far; never the token.
    public var description: String { "Tracker(\(configuration); \(statistics))" }

    /// What ``description`` says, so that a `dump` does not find the token either.
    public var customMirror: Mirror {
        Mirror(self, children: ["configuration": configuration, "statistics": statistics], displayStyle: .class)
    }

    /// Whether events are made at all.
    public var isEnabled: Bool { gate != nil }

    /// Begins to measure a request.
    ///
    /// - Parameters:
    ///   - snapshot: the request; not evaluated if the tracker is disabled.
    ///   - session: the visitor's session if the app keeps it; nil: from the tracker's cookie, or new.
    /// - Returns: nil if the tracker is disabled, or the request is not to be tracked.
    public func begin(
        _ snapshot: @autoclosure () -> RequestSnapshot, session: SessionIdentifier? = nil
    ) -> Interception? {
        guard let gate else { return nil }
        let snapshot = snapshot()
        guard gate.admits(snapshot) else { return nil }
        return Interception(gate: gate, snapshot: snapshot, session: session)
    }

    /// What became of the events so far.
    public var statistics: TrackerStatistics { mailbox?.statistics ?? TrackerStatistics() }

    /// Waits until everything captured before the call is settled, or the time is over. The tracker goes on.
    ///
    /// A pause after a failure is cut short, unless the backend asked for it.
    @discardableResult
    public func flush(timeout: Duration = .seconds(5)) -> FlushResult {
        guard let mailbox else { return Self.result(from: TrackerStatistics(), to: TrackerStatistics()) }
        let before = mailbox.statistics
        let settled = Signal()
        if let waiter = mailbox.notifyWhenSettled({ settled.set() }) {
            if !settled.wait(until: Self.deadline(after: timeout)) { mailbox.cancelWait(waiter) }
        }
        return Self.result(from: before, to: mailbox.statistics)
    }

    /// Stops taking events, delivers what it has, and stops, all within `timeout`; what is left then is counted as
    /// dropped. Requests that are measured later are counted as dropped as well. Calling it again does no harm.
    ///
    /// - Parameter timeout: nil: the configuration's `shutdownTimeout`, or half of it if the backend takes nothing
    ///   meanwhile.
    @discardableResult
    public func shutdown(timeout: Duration? = nil) -> FlushResult {
        let usual = configuration.shutdownTimeout
        return shutdown(
            timeout: timeout ?? usual, patience: timeout == nil ? Self.patience(half: usual) : nil,
            grace: .milliseconds(80))
    }

    /// - Parameter grace: how much longer the delivery thread may take to bring to disk what is left. It keeps the
    ///   deadline by itself wherever the machine lets it.
    @discardableResult
    package func shutdown(timeout: Duration, grace: Duration) -> FlushResult {
        shutdown(timeout: timeout, patience: nil, grace: grace)
    }

    private static func patience(half timeout: Duration) -> Mailbox.Patience {
        Mailbox.Patience(since: SystemClock.monotonicNanoseconds(), length: timeout.nanoseconds / 2)
    }

    private func shutdown(timeout: Duration, patience: Mailbox.Patience?, grace: Duration) -> FlushResult {
        guard let mailbox else { return Self.result(from: TrackerStatistics(), to: TrackerStatistics()) }
        let before = mailbox.statistics
        let settled = Signal()
        let waiter = mailbox.notifyWhenSettled(awaitsEnd: configuration.drainsSpoolAtShutdown) { settled.set() }
        if mailbox.close(stopAt: Self.deadline(after: timeout), patience: patience), let waiter {
            if !settled.wait(until: Self.deadline(after: timeout + grace)) {
                mailbox.cancelWait(waiter)
                mailbox.abandon()
            }
        } else {
            mailbox.abandon()
        }
        return Self.result(from: before, to: mailbox.statistics)
    }

    /// `flush(timeout:)` without blocking the caller's thread.
    @discardableResult
    public func flush(timeout: Duration = .seconds(5)) async -> FlushResult {
        await Self.onOwnThread { self.flushNow(timeout) }
    }

    /// `shutdown(timeout:)` without blocking the caller's thread.
    @discardableResult
    public func shutdown(timeout: Duration? = nil) async -> FlushResult {
        await Self.onOwnThread { self.shutdownNow(timeout) }
    }

    /// Runs until the task is cancelled, then shuts down; for lifecycle frameworks whose services are `run()`.
    public func run() async throws {
        let (forever, end) = AsyncStream<Never>.makeStream()
        await withTaskCancellationHandler {
            for await _ in forever {}
        } onCancel: {
            end.finish()
        }
        _ = await shutdown(timeout: nil)
    }

    private func flushNow(_ timeout: Duration) -> FlushResult { flush(timeout: timeout) }
    private func shutdownNow(_ timeout: Duration?) -> FlushResult { shutdown(timeout: timeout) }

    /// The cooperative pool may be blocked by the app; a thread of its own keeps the deadline all the same.
    private static func onOwnThread(_ work: @escaping @Sendable () -> FlushResult) async -> FlushResult {
        await withCheckedContinuation { continuation in
            do {
                try DetachedThread.start(name: "ra-flush") { continuation.resume(returning: work()) }
            } catch {
                continuation.resume(returning: work())
            }
        }
    }

    private static func deadline(after timeout: Duration) -> UInt64 {
        SystemClock.monotonicNanoseconds() &+ timeout.nanoseconds
    }

    private static func result(from before: TrackerStatistics, to after: TrackerStatistics) -> FlushResult {
        FlushResult(
            delivered: after.delivered - before.delivered, spooled: after.spooled - before.spooled,
            dropped: after.droppedInAll - before.droppedInAll, pending: after.pending)
    }
}

/// Something that happens once, for one thread to wait for.
private final class Signal: Sendable {
    private let isSet = ThreadLock(false)

    func set() {
        isSet.withLock { $0 = true }
        isSet.signal()
    }

    /// - Parameter deadline: monotonic nanoseconds.
    /// - Returns: false if the time was over.
    func wait(until deadline: UInt64) -> Bool { isSet.wait(until: deadline) { $0 ? true : nil } ?? false }
}
