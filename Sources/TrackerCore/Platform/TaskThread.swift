/// A thread that runs tasks, as their executor.
///
/// The thread ends once nothing refers to its `TaskThread` any more: neither an owner nor a task.
final class TaskThread: TaskExecutor {
    private struct Queue {
        var jobs: [UnownedJob] = []
        var isEnded = false
    }

    private let queue = ThreadLock(Queue())

    /// - Parameter name: shown by process tools; at most 15 bytes on Linux.
    init(name: String) throws(SystemError) {
        try DetachedThread.start(name: name) { [queue, weak self] in
            while case let jobs = Self.next(queue), !jobs.isEmpty {
                // A job's task refers to its executor, so there is one.
                guard let executor = self else { return }
                for job in jobs { job.runSynchronously(on: executor.asUnownedTaskExecutor()) }
            }
        }
    }

    deinit {
        queue.withLock { $0.isEnded = true }
        queue.signal()
    }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        // Signals under the lock: once it is open, the job may end the task that keeps this object alive.
        queue.withLock { [queue] locked in
            locked.jobs.append(job)
            queue.signal()
        }
    }

    /// - Returns: the jobs to run; none at the end.
    private static func next(_ queue: ThreadLock<Queue>) -> [UnownedJob] {
        queue.wait { queue in
            guard !queue.jobs.isEmpty || queue.isEnded else { return nil }
            defer { queue.jobs = [] }
            return queue.jobs
        } ?? []
    }
}
