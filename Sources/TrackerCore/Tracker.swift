import Dispatch

/// Measures requests and delivers one event for each, in the background.
///
/// One tracker serves a whole process. It starts its thread with the first event; a disabled one never does.
public final class Tracker: Sendable, CustomStringConvertible, CustomReflectable {
    /// What the tracker was made with.
    public let configuration: TrackerConfiguration
    /// nil if analytics are disabled: then a request costs one branch.
    private let pipeline: DeliveryPipeline?
    private let log: TrackerLog

    /// - Parameters:
    ///   - configuration: checked settings.
    ///   - transport: how events travel; nil: over HTTP to the configured backend.
    public init(configuration: TrackerConfiguration, transport: (any EventTransport)? = nil) {
        self.configuration = configuration
        let log = TrackerLog(
            level: configuration.logLevel, secret: configuration.projectToken, handler: configuration.logHandler)
        self.log = log
        guard !configuration.isDisabled else {
            pipeline = nil
            return
        }
        let transport = transport ?? HTTPTransport(configuration: configuration)
        pipeline = DeliveryPipeline(
            capacity: configuration.queueCapacity, maximumBytes: configuration.queueMaximumBytes,
            selection: Selection(configuration), forwardedOrigin: ForwardedOrigin(configuration.trustedProxies)
        ) { pipeline in
            LastMoment.add(pipeline)
            do {
                try DetachedThread.start(name: "rigidanalytics") {
                    DeliveryLoop(configuration: configuration, transport: transport, pipeline: pipeline, log: log).run()
                    LastMoment.remove(pipeline)
                }
                return true
            } catch {
                LastMoment.remove(pipeline)
                log.write(.error, topic: "thread", "the delivery thread can't be started: \(error)")
                return false
            }
        }
        if configuration.backendEndpoint.scheme == "http", !configuration.backendEndpoint.isLoopback {
            log.write(
                .warning,
                "events and the project token travel to \(configuration.backendEndpoint.host) unencrypted; use https")
        }
    }

    deinit {
        // Nobody can wait here; the thread delivers what it can until the usual deadline.
        _ = pipeline?.close(stopAt: Self.deadline(after: configuration.shutdownTimeout))
    }

    /// Where events go, and what became of them so far; never the token.
    public var description: String { "Tracker(\(configuration); \(statistics))" }

    /// What ``description`` says, so that a `dump` does not find the token either.
    public var customMirror: Mirror {
        Mirror(self, children: ["configuration": configuration, "statistics": statistics], displayStyle: .class)
    }

    /// Whether events are made at all.
    public var isEnabled: Bool { pipeline != nil }

    /// Begins to measure a request.
    ///
    /// - Parameters:
    ///   - snapshot: the request; not evaluated if the tracker is disabled.
    ///   - session: the visitor's session if the app keeps it; nil: from the tracker's cookie, or new.
    /// - Returns: nil if the tracker is disabled, or the request is not to be tracked.
    public func begin(
        _ snapshot: @autoclosure () -> RequestSnapshot, session: SessionIdentifier? = nil
    ) -> Interception? {
        guard let pipeline else { return nil }
        let snapshot = snapshot()
        if let selection = pipeline.selection, selection.ignores(snapshot) {
            pipeline.countIgnored()
            return nil
        }
        return Interception(pipeline: pipeline, snapshot: snapshot, session: session)
    }

    func capture(_ request: TrackedRequest) {
        pipeline?.capture(request)
    }

    /// What became of the events so far.
    public var statistics: TrackerStatistics { pipeline?.statistics ?? TrackerStatistics() }

    /// Waits until everything captured before the call is settled, or the time is over. The tracker goes on.
    ///
    /// A pause after a failure is cut short, unless the backend asked for it.
    @discardableResult
    public func flush(timeout: Duration = .seconds(5)) -> FlushResult {
        guard let pipeline else { return Self.result(from: TrackerStatistics(), to: TrackerStatistics()) }
        let before = pipeline.statistics
        let settled = DispatchSemaphore(value: 0)
        if let waiter = pipeline.notifyWhenSettled({ settled.signal() }) {
            if settled.wait(timeout: .now() + .nanoseconds(Int(clamping: timeout.nanoseconds))) == .timedOut {
                pipeline.cancelWait(waiter)
            }
        }
        return Self.result(from: before, to: pipeline.statistics)
    }

    /// Stops taking events, delivers what it has, and stops, all within `timeout`; what is left then is counted as
    /// dropped. Requests that are measured later are counted as dropped as well. Calling it again does no harm.
    ///
    /// - Parameter timeout: nil: the configuration's `shutdownTimeout`.
    @discardableResult
    public func shutdown(timeout: Duration? = nil) -> FlushResult {
        shutdown(timeout: timeout ?? configuration.shutdownTimeout, patience: .milliseconds(80))
    }

    /// - Parameter patience: how much longer the delivery thread may take to bring to disk what is left. It keeps the
    ///   deadline by itself wherever the machine lets it.
    @discardableResult
    package func shutdown(timeout: Duration, patience: Duration) -> FlushResult {
        guard let pipeline else { return Self.result(from: TrackerStatistics(), to: TrackerStatistics()) }
        let before = pipeline.statistics
        let settled = DispatchSemaphore(value: 0)
        let waiter = pipeline.notifyWhenSettled(awaitsEnd: configuration.drainsSpoolAtShutdown) { settled.signal() }
        if pipeline.close(stopAt: Self.deadline(after: timeout)), let waiter {
            let longest = timeout.nanoseconds &+ patience.nanoseconds
            if settled.wait(timeout: .now() + .nanoseconds(Int(clamping: longest))) == .timedOut {
                pipeline.cancelWait(waiter)
                pipeline.abandon()
            }
        } else {
            pipeline.abandon()
        }
        return Self.result(from: before, to: pipeline.statistics)
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
