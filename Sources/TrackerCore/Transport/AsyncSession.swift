/// A transport session that sends with an async function, such as AsyncHTTPClient's.
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
/// Each payload is sent in its own task. These tasks run on a thread of the session's own, so that an app whose
/// handlers block every thread of Swift's cooperative pool still delivers. Timers (`Task.sleep`) and unstructured tasks
/// do need a thread of the pool.
public final class AsyncSession: TransportSession {
    private struct State {
        var tasks: [UInt64: Task<Void, Never>] = [:]
        var completions: [DeliveryCompletion] = []
    }

    /// The maximum number of payloads in flight.
    public let maximumInFlight: Int
    private let state = ThreadLock(State())
    /// nil if the system has no thread left; the tasks run on the cooperative pool then.
    private let thread = try? TaskThread(name: "ra-transport")
    private let send: @Sendable (DeliveryPayload) async -> DeliveryCompletion
    private let end: @Sendable () -> Void

    /// Creates a session that sends with an asynchronous function.
    ///
    /// - Parameters:
    ///   - maximumInFlight: the maximum number of payloads in flight, at least 1; 64 by default.
    ///   - end: called when the session is no longer needed.
    ///   - send: sends one payload, with its own timeout. Its task is canceled if the tracker gives up. While it blocks
    ///     instead of suspending, no other payload makes progress.
    public init(
        maximumInFlight: Int = 64, onEnd end: @escaping @Sendable () -> Void = {},
        send: @escaping @Sendable (DeliveryPayload) async -> DeliveryCompletion
    ) {
        self.maximumInFlight = max(1, maximumInFlight)
        self.end = end
        self.send = send
    }

    deinit {
        cancel()
        end()
    }

    /// Sends the payload in a new task.
    public func start(_ payload: DeliveryPayload) {
        let identifier = payload.identifier
        state.withLock { [state, thread, send] locked in
            locked.tasks[identifier] = Task(executorPreference: thread) {
                let completion = await send(payload)
                state.withLock { locked in
                    // A canceled payload has no completion.
                    if locked.tasks.removeValue(forKey: identifier) != nil { locked.completions.append(completion) }
                }
                state.signal()
            }
        }
    }

    /// Waits until a payload completes or the limit has passed.
    public func wait(atMost limit: Duration) -> [DeliveryCompletion] {
        let deadline = SystemClock.deadline(after: limit)
        return state.wait(until: deadline) { locked in
            guard !locked.completions.isEmpty else { return nil }
            defer { locked.completions.removeAll(keepingCapacity: true) }
            return locked.completions
        } ?? []
    }

    /// Cancels the tasks in flight.
    public func cancel() {
        let tasks = state.withLock { locked in
            defer { locked = State() }
            return locked.tasks.values
        }
        for task in tasks { task.cancel() }
    }
}
