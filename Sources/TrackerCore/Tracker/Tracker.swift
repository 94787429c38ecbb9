/// Measures requests and delivers one event for each, in the background.
///
/// One tracker serves a whole process. It starts its thread with the first event; a disabled one never does.
public final class Tracker: Sendable, CustomStringConvertible, CustomReflectable {
    /// What the tracker was made with.
    public let configuration: TrackerConfiguration
    /// nil if analytics are disabled: then a request costs one branch.
    private let gate: RequestGate?
    var mailbox: Mailbox? { gate?.mailbox }

    /// Makes a tracker.
    ///
    ///     let tracker = try Tracker(configuration: TrackerConfiguration())
    ///
    /// - Parameters:
    ///   - configuration: settings, which are checked here; also the spool's directory, which is made if it is missing.
    ///   - transport: how events travel; nil: over HTTP to the configured backend.
    /// - Throws: ``ConfigurationError`` for the first setting that is not allowed, unless analytics are disabled.
    public convenience init(
        configuration: TrackerConfiguration, transport: (any EventTransport)? = nil
    ) throws(ConfigurationError) {
        if !configuration.isDisabled {
            try configuration.validate()
            try Self.checkSpool(configuration.spoolDirectory)
        }
        self.init(checked: configuration, transport: transport)
        if isEnabled { Self.warn(of: configuration) }
    }

    /// - Parameter configuration: of another tracker, so that its warnings are said already.
    package init(checked configuration: TrackerConfiguration, transport: (any EventTransport)?) {
        self.configuration = configuration
        guard !configuration.isDisabled else {
            gate = nil
            return
        }
        let log = Self.log(configuration)
        let transport = transport ?? HTTPTransport(configuration: configuration)
        let mailbox = Mailbox(
            capacity: configuration.queueCapacity, maximumBytes: configuration.queueMaximumBytes
        ) { mailbox in
            ExitHandler.add(mailbox, grace: configuration.shutdownGrace)
            do {
                try DetachedThread.start(name: "rigidanalytics") {
                    DeliveryThread.run(configuration, transport, mailbox, log)
                    ExitHandler.remove(mailbox)
                }
                return true
            } catch {
                ExitHandler.remove(mailbox)
                log.write(.error, topic: "thread", "the delivery thread can't be started: \(error)")
                return false
            }
        }
        gate = RequestGate(configuration: configuration, mailbox: mailbox)
    }

    /// A directory that can't be used is a mistake where the program starts; later it is one of the disk's faults.
    private static func checkSpool(_ path: String?) throws(ConfigurationError) {
        guard let path else { return }
        do throws(SpoolError) {
            _ = try SpoolDirectory(path: path)
        } catch {
            throw .unusable(variable: "RA_SPOOL_DIRECTORY", value: path, remedy: "\(error)")
        }
    }

    private static func warn(of configuration: TrackerConfiguration) {
        let log = log(configuration)
        for variable in configuration.misspeltVariables {
            log.write(.warning, topic: "settings.unknown", every: 0, variable.warning)
        }
        if configuration.backendEndpoint.scheme == "http", !configuration.backendEndpoint.isLoopback {
            log.write(
                .warning, topic: "settings.http",
                "events and the project token travel to \(configuration.backendEndpoint.host) unencrypted; use https")
        }
    }

    private static func log(_ configuration: TrackerConfiguration) -> TrackerLog {
        TrackerLog(
            level: configuration.logLevel, secret: configuration.projectToken, handler: configuration.logHandler)
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
    /// The visitor's session is that of the tracker's own cookie, or new; see ``Interception/sessionCookie``.
    ///
    /// - Parameter snapshot: the request; not evaluated if the tracker is disabled.
    /// - Returns: nil if the tracker is disabled, or the request is not to be tracked.
    public func begin(_ snapshot: @autoclosure () -> RequestSnapshot) -> Interception? {
        guard let gate else { return nil }
        let snapshot = snapshot()
        guard gate.admits(snapshot) else { return nil }
        return Interception(gate: gate, snapshot: snapshot)
    }

    /// Begins to measure a request of an app that keeps sessions itself. The tracker's cookie is neither read nor set.
    ///
    /// - Parameters:
    ///   - snapshot: the request; not evaluated if the tracker is disabled.
    ///   - session: the visitor's session; nil: there is none yet, and the app stores ``Interception/session`` where
    ///     ``Interception/isNewSession`` says so. Not evaluated if the request is not to be tracked.
    /// - Returns: nil if the tracker is disabled, or the request is not to be tracked.
    public func begin(
        _ snapshot: @autoclosure () -> RequestSnapshot, session: @autoclosure () -> SessionIdentifier?
    ) -> Interception? {
        guard let gate else { return nil }
        let snapshot = snapshot()
        guard gate.admits(snapshot) else { return nil }
        return Interception(gate: gate, snapshot: snapshot, appSession: session())
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
            grace: configuration.shutdownGrace)
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
    ///
    /// - Important: A graceful shutdown of swift-service-lifecycle does not cancel tasks. There the service's `run()` is
    ///   `await cancelWhenGracefulShutdown { await tracker.run() }`; without it the process would not end.
    public func run() async {
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
            dropped: after.totalDropped - before.totalDropped, pending: after.pending)
    }
}

/// Runs an app with a tracker, and shuts the tracker down on every way out.
///
///     try await withTracker(TrackerConfiguration()) { tracker in
///         try await serve(tracker)
///     }
///
/// - Parameters:
///   - configuration: the tracker's settings.
///   - transport: how events travel; nil: over HTTP to the configured backend.
///   - isolation: the actor that `body` runs on; the caller's, if nothing is said.
///   - body: the app. When it returns, throws or is cancelled, what waits is delivered within the configuration's
///     `shutdownTimeout`.
/// - Throws: ``ConfigurationError``, before `body` runs; otherwise what `body` throws.
public func withTracker<Result>(
    _ configuration: TrackerConfiguration, transport: (any EventTransport)? = nil,
    isolation: isolated (any Actor)? = #isolation, _ body: (Tracker) async throws -> Result
) async throws -> Result {
    let tracker = try Tracker(configuration: configuration, transport: transport)
    do {
        let result = try await body(tracker)
        await tracker.shutdown()
        return result
    } catch {
        await tracker.shutdown()
        throw error
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
