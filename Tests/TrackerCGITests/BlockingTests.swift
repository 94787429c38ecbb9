import TrackerCore

/// The actor of tests that block on sockets: one thread outside the cooperative pool, so that the asynchronous handlers
/// they wait for have the pool to themselves.
@globalActor
actor BlockingTests {
    static let shared = BlockingTests()
    private static let executor = ThreadExecutor()
    nonisolated var unownedExecutor: UnownedSerialExecutor { Self.executor.asUnownedSerialExecutor() }
}

final class ThreadExecutor: SerialExecutor {
    private let queue = ThreadLock<[UnownedJob]>([])

    init() {
        do {
            // As much stack as a main thread has, because tests are not written for less.
            try DetachedThread.start(name: "blocking-tests", stackBytes: 8 << 20) { [self] in
                while let job = queue.wait(for: { $0.isEmpty ? nil : $0.removeFirst() }) {
                    job.runSynchronously(on: asUnownedSerialExecutor())
                }
            }
        } catch {
            fatalError("no thread for the tests that block: \(error)")
        }
    }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        queue.withLock { $0.append(job) }
        queue.signal()
    }
}
