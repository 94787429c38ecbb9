/// Measures requests and delivers one event for each, in the background.
///
/// One tracker serves a whole process. It starts its thread with the first event; a disabled tracker starts none.
public final class Tracker: Sendable, CustomStringConvertible, CustomReflectable {
    /// The tracker's settings.
    public let configuration: TrackerConfiguration
    /// nil if analytics are disabled; a request then costs one branch.
    private let gate: RequestGate?
    var mailbox: Mailbox? { gate?.mailbox }

    /// Creates a tracker.
    ///
    ///     let tracker = try Tracker(configuration: TrackerConfiguration())
    ///
    /// - Parameters:
    ///   - configuration: the settings, which are checked here. The spool's directory is created if missing.
    ///   - transport: the transport for events; nil: HTTP to the configured backend.
    /// - Throws: ``ConfigurationError`` for the first setting that is not allowed, unless analytics are disabled.
    public convenience init(
        configuration: TrackerConfiguration, transport: (any EventTransport)? = nil
    ) throws(ConfigurationError) {
        if !configuration.isDisabled {
            try configuration.validate()
            if let path = configuration.spoolDirectory { try SpoolDirectory.check(path) }
        }
        self.init(checked: configuration, transport: transport)
        if isEnabled { Self.warn(of: configuration) }
    }

    /// Creates a tracker without checks or warnings.
    ///
    /// - Parameter configuration: that of another tracker, which has checked it and logged its warnings.
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
            ExitHandler.add(mailbox, grace: configuration.shutdownGrace, log: log)
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

    private static func warn(of configuration: TrackerConfiguration) {
        let log = log(configuration)
        for variable in configuration.misspelledVariables {
            log.write(.warning, topic: "settings.unknown", every: 0, variable.warning)
        }
        if configuration.backendEndpoint.scheme == "http", !configuration.backendEndpoint.isLoopback {
            log.write(
                .warning, topic: "settings.http",
                "events and the project token are sent to \(configuration.backendEndpoint.host) unencrypted; use https")
        }
    }

    private static func log(_ configuration: TrackerConfiguration) -> TrackerLog {
        TrackerLog(
            level: configuration.logLevel, secret: configuration.projectToken, handler: configuration.logHandler)
    }

    deinit {
        // Nothing can wait here; the thread delivers what it can until the usual deadline.
        let timeout = configuration.shutdownTimeout
        _ = mailbox?.close(stopAt: SystemClock.deadline(after: timeout), patience: Self.patience(half: timeout))
    }

    /// The configuration, and the counts of events so far; never contains the token.
    public var description: String { "Tracker(\(configuration); \(statistics))" }

    /// The content of ``description``, which keeps the token out of `dump`.
    public var customMirror: Mirror {
        Mirror(self, children: ["configuration": configuration, "statistics": statistics], displayStyle: .class)
    }

    /// Whether the tracker is enabled.
    public var isEnabled: Bool { gate != nil }

    /// Begins measuring a request.
    ///
    /// The visitor's session is that of the tracker's own cookie, or a new one; see ``Interception/sessionCookie``.
    ///
    /// - Parameter snapshot: the request; not evaluated if the tracker is disabled.
    /// - Returns: nil if the tracker is disabled or the request is not tracked.
    public func begin(_ snapshot: @autoclosure () -> RequestSnapshot) -> Interception? {
        guard let gate else { return nil }
        let snapshot = snapshot()
        guard gate.admits(snapshot) else { return nil }
        return Interception(gate: gate, snapshot: snapshot)
    }

    /// Begins measuring a request of an app with its own sessions. The tracker's cookie is neither read nor set.
    ///
    /// - Parameters:
    ///   - snapshot: the request; not evaluated if the tracker is disabled.
    ///   - session: the visitor's session; nil: there is none yet, and the app stores ``Interception/session`` if
    ///     ``Interception/isNewSession`` is true. Not evaluated if the request is not tracked.
    /// - Returns: nil if the tracker is disabled or the request is not tracked.
    public func begin(
        _ snapshot: @autoclosure () -> RequestSnapshot, session: @autoclosure () -> SessionIdentifier?
    ) -> Interception? {
        guard let gate else { return nil }
        let snapshot = snapshot()
        guard gate.admits(snapshot) else { return nil }
        return Interception(gate: gate, snapshot: snapshot, appSession: session())
    }

    /// The counts of events so far, by outcome.
    public var statistics: TrackerStatistics { mailbox?.statistics ?? TrackerStatistics() }

    /// Waits until everything captured before the call is settled, or until the timeout. The tracker keeps running.
    ///
    /// Cuts short a pause after a failure, unless the backend asked for it.
    ///
    /// - Important: Blocks the calling thread. In asynchronous code, use `await tracker.flush()`.
    /// - Parameter timeout: 5 s by default; zero or less returns at once.
    /// - Returns: the counts of events by outcome during the call; zeros if the tracker is disabled.
    @discardableResult
    public func flush(timeout: Duration = .seconds(5)) -> FlushResult {
        guard let mailbox else { return FlushResult() }
        let before = mailbox.statistics
        let settled = ThreadSignal()
        if let waiter = mailbox.notifyWhenSettled({ settled.set() }) {
            if !settled.wait(until: SystemClock.deadline(after: timeout)) { mailbox.cancelWait(waiter) }
        }
        return FlushResult(from: before, to: mailbox.statistics)
    }

    /// Stops accepting events, delivers pending ones within `timeout`, and ends the delivery thread.
    ///
    /// What is left is then spooled, or counted as dropped. Requests measured later are counted as dropped, too. Safe
    /// to call again.
    ///
    /// - Important: Blocks the calling thread. In asynchronous code, use `await tracker.shutdown()`.
    /// - Parameter timeout: nil: the configuration's `shutdownTimeout`, or half of it if the backend accepts nothing
    ///   during that time.
    /// - Returns: the counts of events by outcome during the call; zeros if the tracker is disabled.
    @discardableResult
    public func shutdown(timeout: Duration? = nil) -> FlushResult {
        let usual = configuration.shutdownTimeout
        return shutdown(
            timeout: timeout ?? usual, patience: timeout == nil ? Self.patience(half: usual) : nil,
            grace: configuration.shutdownGrace)
    }

    /// - Parameter grace: how much longer the delivery thread may take to spool what is left; needed only on a busy
    ///   machine.
    @discardableResult
    package func shutdown(timeout: Duration, grace: Duration) -> FlushResult {
        shutdown(timeout: timeout, patience: nil, grace: grace)
    }

    private static func patience(half timeout: Duration) -> Mailbox.Patience {
        Mailbox.Patience(since: SystemClock.monotonicNanoseconds(), length: timeout.nanoseconds / 2)
    }

    private func shutdown(timeout: Duration, patience: Mailbox.Patience?, grace: Duration) -> FlushResult {
        guard let mailbox else { return FlushResult() }
        let before = mailbox.statistics
        let settled = ThreadSignal()
        // Close first, because an event captured in between would not be waited for.
        let isRunning = mailbox.close(stopAt: SystemClock.deadline(after: timeout), patience: patience)
        let waiter = mailbox.notifyWhenSettled(awaitsEnd: configuration.drainsSpoolAtShutdown) { settled.set() }
        if isRunning, let waiter {
            if !settled.wait(until: SystemClock.deadline(after: timeout + grace)) {
                mailbox.cancelWait(waiter)
                mailbox.abandon()
            }
        } else {
            mailbox.abandon()
        }
        return FlushResult(from: before, to: mailbox.statistics)
    }

    /// Flushes as the synchronous `flush(timeout:)` does, without blocking the caller's thread.
    @discardableResult
    public func flush(timeout: Duration = .seconds(5)) async -> FlushResult {
        // Its own thread keeps the deadline even if the app blocks the cooperative pool.
        await DetachedThread.run(name: "ra-flush") { self.flushNow(timeout) }
    }

    /// Shuts down as the synchronous `shutdown(timeout:)` does, without blocking the caller's thread.
    @discardableResult
    public func shutdown(timeout: Duration? = nil) async -> FlushResult {
        await DetachedThread.run(name: "ra-flush") { self.shutdownNow(timeout) }
    }

    /// Runs until the task is canceled, then shuts down; for lifecycle frameworks with a `run()` per service.
    ///
    /// - Important: A graceful shutdown of swift-service-lifecycle does not cancel tasks. The service's `run()` must
    ///   call `await cancelWhenGracefulShutdown { await tracker.run() }`; otherwise the process does not end.
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
}

/// Runs an app with a tracker, and shuts the tracker down on every way out.
///
///     try await withTracker(TrackerConfiguration()) { tracker in
///         try await serve(tracker)
///     }
///
/// - Parameters:
///   - configuration: the tracker's settings.
///   - transport: the transport for events; nil: HTTP to the configured backend.
///   - isolation: the actor that `body` runs on; by default the caller's.
///   - body: the app. When it returns or throws, also on cancellation, pending events are delivered within the
///     configuration's `shutdownTimeout`.
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
