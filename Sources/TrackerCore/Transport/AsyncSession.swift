/// A session for transports that send with an asynchronous function, such as those of AsyncHTTPClient.
///
///     func open() throws(TransportUnavailable) -> any TransportSession {
///         AsyncSession(maximumInFlight: 16) { payload in
///             do {
///                 let answer = try await client.post(url, payload.body, contentType: payload.contentType)
///                 return DeliveryCompletion(of: payload, status: answer.status, retryAfter: answer["Retry-After"])
///             } catch {
///                 return DeliveryCompletion(
///                     identifier: payload.identifier, outcome: .unreachable(because: "\(error)"))
///             }
///         }
///     }
///
/// Each payload is sent in a task of its own. Those run on Swift's cooperative pool: handlers that block all of its
/// threads hold up delivery too.
public final class AsyncSession: TransportSession {
    private struct State {
        var tasks: [UInt64: Task<Void, Never>] = [:]
        var completions: [DeliveryCompletion] = []
    }

    /// How many payloads may be under way at once.
    public let maximumInFlight: Int
    private let state = ThreadLock(State())
    private let send: @Sendable (DeliveryPayload) async -> DeliveryCompletion
    private let end: @Sendable () -> Void

    /// - Parameters:
    ///   - maximumInFlight: how many payloads may be under way at once, at most.
    ///   - end: called when the session is not needed any more.
    ///   - send: sends one payload, within a time of its own choice. Its task is cancelled where the tracker gives up.
    public init(
        maximumInFlight: Int = 64, onEnd end: @escaping @Sendable () -> Void = {},
        send: @escaping @Sendable (DeliveryPayload) async -> DeliveryCompletion
    ) {
        self.maximumInFlight = maximumInFlight
        self.end = end
        self.send = send
    }

    deinit {
        cancel()
        end()
    }

    /// Sends the payload in a task.
    public func start(_ payload: DeliveryPayload) {
        let identifier = payload.identifier
        state.withLock { [state, send] locked in
            locked.tasks[identifier] = Task {
                let completion = await send(payload)
                state.withLock { locked in
                    // One that was given up has no result.
                    if locked.tasks.removeValue(forKey: identifier) != nil { locked.completions.append(completion) }
                }
                state.signal()
            }
        }
    }

    /// Waits until a payload has ended.
    public func wait(atMost limit: Duration) -> [DeliveryCompletion] {
        let deadline = SystemClock.monotonicNanoseconds() &+ limit.nanoseconds
        return state.wait(until: deadline) { locked in
            guard !locked.completions.isEmpty else { return nil }
            defer { locked.completions.removeAll(keepingCapacity: true) }
            return locked.completions
        } ?? []
    }

    /// Cancels the tasks under way.
    public func cancel() {
        let tasks = state.withLock { locked in
            defer { locked = State() }
            return locked.tasks.values
        }
        for task in tasks { task.cancel() }
    }
}
