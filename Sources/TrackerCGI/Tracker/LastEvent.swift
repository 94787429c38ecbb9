import Synchronization
import TrackerCore

/// Delivers the one event of a CGI process, after the client has its response.
///
/// Some web servers hold the connection, and with it the next request, until the process exits; some send it SIGTERM as
/// soon as its output ends. None of them waits for a child in its own session with /dev/null as standard streams, so
/// such a child may take as long as the network needs.
final class LastEvent: Sendable {
    /// The time limits of a delivery.
    private struct Budget {
        var connect: Duration
        var whole: Duration
        /// Extra time to spool what is left on an overloaded machine.
        var grace: Duration
    }

    /// Time from the end of a child's budget and grace until the system kills it.
    private static let lastResort = Duration.seconds(3)

    private let configuration: TrackerConfiguration
    private let options: CGIDeliveryOptions
    /// Opened once the response is sent, to keep file access off the request path.
    private let opened = Mutex<CGIProgramState??>(nil)

    init(configuration: TrackerConfiguration, options: CGIDeliveryOptions) {
        self.configuration = configuration
        self.options = options
    }

    /// Returns the line for the web server's log about events that earlier runs did not deliver; nil if there is none.
    /// Call it after the response and before standard error ends.
    @Sendable
    func lineForTheLog() -> String? {
        let level = TrackerLogRecord.Level.warning
        guard level >= configuration.logLevel, let message = state?.takeMessage() else { return nil }
        return "rigidanalytics [\(level.rawValue)] \(message)"
    }

    /// Delivers in a child process, or as far as possible in this one. Call it once.
    func deliver(_ event: MeasuredRequest) {
        guard event.hasEvent else { return event.send() }
        guard options.usesChildProcess else { return deliver(event, within: foreground) }
        guard let state else { return deliverInChild(event, slot: nil, background(isBounded: false)) }
        switch state.takeSlot() {
        case .taken(let slot): deliverInChild(event, slot: slot, background(isBounded: true))
        case .unavailable: deliverInChild(event, slot: nil, background(isBounded: false))
        case .allBusy: leaveToLaterRuns(event, state)
        }
    }

    private var state: CGIProgramState? {
        opened.withLock { opened in
            if let opened { return opened }
            var state: CGIProgramState?
            do throws(PrivateFile.Refusal) {
                state = try CGIProgramState(key: CGIProgramState.key(projectID: configuration.projectID))
            } catch {
                if TrackerLogRecord.Level.warning >= configuration.logLevel {
                    SystemLog.write(
                        .warning, "can't count this program's processes, so events have less time: \(error)")
                }
            }
            opened = .some(state)
            return state
        }
    }

    // MARK: Budgets

    /// The budget while the web server may be waiting for the program itself. It includes time for a write to disk on a
    /// busy machine, because that saves the event.
    private var foreground: Budget {
        Budget(
            connect: options.foregroundConnectTimeout, whole: options.foregroundTimeout,
            grace: configuration.shutdownGrace)
    }

    /// - Parameter isBounded: whether children are counted. If not, they get less time, so that a hanging backend does
    ///   not accumulate too many of them.
    private func background(isBounded: Bool) -> Budget {
        Budget(
            connect: isBounded ? options.connectTimeout : min(options.connectTimeout, options.foregroundConnectTimeout),
            whole: isBounded ? options.timeout : min(options.timeout, options.foregroundTimeout),
            grace: .seconds(5))
    }

    // MARK: Delivery

    private func deliverInChild(_ event: MeasuredRequest, slot: Int?, _ budget: Budget) {
        let lifetime = budget.whole + budget.grace + Self.lastResort
        switch DetachedProcess.fork(keeping: slot == nil ? nil : state?.descriptor, lifetime: lifetime) {
        case .parent: return
        case .impossible:
            if let slot { state?.giveBack(slot) }
            deliver(event, within: foreground)
        case .child:
            if let slot { state?.begin(slot) }
            // Without a slot the file was not kept open.
            deliver(event, within: budget, counts: slot != nil)
            if let slot { state?.finish(slot) }
            DetachedProcess.end()
        }
    }

    private func deliver(_ event: MeasuredRequest, within budget: Budget, counts: Bool = true) {
        var configuration = configuration
        configuration.connectTimeout = min(configuration.connectTimeout, budget.connect)
        configuration.requestTimeout = min(configuration.requestTimeout, budget.whole)
        configuration.maximumConnections = 1
        configuration.drainsSpoolAtShutdown = true
        let fate = send(event, configuration, through: nil, within: budget)
        if counts { count(fate, budget, patience: .seconds(1)) }
    }

    /// Spools the event, or counts it as lost, because all slots are in use.
    private func leaveToLaterRuns(_ event: MeasuredRequest, _ state: CGIProgramState) {
        guard configuration.spoolDirectory != nil else {
            state.countLost(
                1, because: "\(CGIProgramState.maximumChildren) processes of this program were already delivering",
                remedy: .spool, patience: .milliseconds(20))
            return
        }
        let fate = send(event, configuration, through: NoTransport(), within: foreground)
        count(fate, foreground, patience: .milliseconds(20))
    }

    /// - Returns: what became of the event, and the first warning that was logged.
    private func send(
        _ event: MeasuredRequest, _ given: TrackerConfiguration, through transport: (any EventTransport)?,
        within budget: Budget
    ) -> Fate {
        var configuration = given
        let log = FailureLog(level: given.logLevel)
        configuration.logHandler = { log.write($0) }
        configuration.logLevel = min(given.logLevel, .warning)
        let tracker = Tracker(checked: configuration, transport: transport)
        event.send(through: tracker)
        tracker.shutdown(timeout: budget.whole, grace: budget.grace)
        return Fate(
            dropped: tracker.statistics.dropped.filter { $0.key != .beforeSend },
            spooled: tracker.statistics.spooled, warning: log.first)
    }

    private func count(_ fate: Fate, _ budget: Budget, patience: Duration) {
        let lost = fate.dropped.values.reduce(0, +)
        let reason = reason(fate, budget)
        if lost > 0 {
            let isRefused = [.rejected, .hookFailed].contains { fate.dropped[$0, default: 0] > 0 }
            state?.countLost(
                lost, because: reason,
                remedy: isRefused || configuration.spoolDirectory != nil ? .none : .spool, patience: patience)
        } else if fate.spooled > 0, !reason.isEmpty {
            state?.countSpooled(fate.spooled, because: reason, patience: patience)
        }
    }

    private func reason(_ fate: Fate, _ budget: Budget) -> String {
        guard let warning = fate.warning else {
            return fate.dropped.keys.map(\.rawValue).sorted().joined(separator: ", ")
        }
        switch warning.topic {
        case LogTopic.deadline:
            return "\(configuration.backendEndpoint.host) did not answer within \(budget.whole)"
        case LogTopic.refused, LogTopic.away, LogTopic.failing:
            // The text after the cause applies to a process that keeps running.
            return warning.message.lastIndex(of: ";").map { String(warning.message[..<$0]) } ?? warning.message
        default: return warning.message
        }
    }

    /// What became of the event.
    private struct Fate {
        var dropped: [DropReason: Int]
        var spooled: Int
        /// The first warning that was logged.
        var warning: TrackerLogRecord?
    }
}

/// Keeps the first failure, and writes lines to the system log: standard error is /dev/null, because the web server
/// would wait for its end.
private final class FailureLog: Sendable {
    private let level: TrackerLogRecord.Level
    private let state = Mutex<TrackerLogRecord?>(nil)

    /// - Parameter level: the level of the system log.
    init(level: TrackerLogRecord.Level) {
        self.level = level
    }

    var first: TrackerLogRecord? { state.withLock { $0 } }

    func write(_ record: TrackerLogRecord) {
        guard !record.message.contains(NoTransport.reason) else { return }
        // What the spool lost is no reason why this event was not delivered.
        if record.level >= .warning, record.topic != LogTopic.spoolLimit {
            state.withLock { if $0 == nil { $0 = record } }
        }
        if record.level >= level, level != .off { SystemLog.write(record.level, "\(record)") }
    }
}

/// Sends nothing, so that captured events are spooled at once.
private struct NoTransport: EventTransport {
    static let reason = "too many processes are already delivering"

    func open() throws(TransportUnavailable) -> any TransportSession {
        throw TransportUnavailable(Self.reason)
    }
}
