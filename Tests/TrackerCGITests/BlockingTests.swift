import Foundation

/// The actor of tests that block on sockets: one thread outside the cooperative pool, so that the asynchronous handlers
/// they wait for have the pool to themselves.
@globalActor
actor BlockingTests {
    static let shared = BlockingTests()
    private static let executor = ThreadExecutor()
    nonisolated var unownedExecutor: UnownedSerialExecutor { Self.executor.asUnownedSerialExecutor() }
}

final class ThreadExecutor: SerialExecutor {
    private let jobs = NSCondition()
    // Guarded by `jobs`.
    nonisolated(unsafe) private var queue: [UnownedJob] = []

    init() {
        let thread = Thread { [self] in
            while true {
                jobs.lock()
                while queue.isEmpty { jobs.wait() }
                let job = queue.removeFirst()
                jobs.unlock()
                job.runSynchronously(on: asUnownedSerialExecutor())
            }
        }
        thread.start()
    }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        jobs.lock()
        queue.append(job)
        jobs.signal()
        jobs.unlock()
    }
}
