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
            while let jobs = Self.next(queue) {
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

    /// - Returns: the jobs to run, or nil at the end.
    private static func next(_ queue: ThreadLock<Queue>) -> [UnownedJob]? {
        let jobs = queue.wait { queue -> [UnownedJob]? in
            guard queue.jobs.isEmpty else {
                defer { queue.jobs = [] }
                return queue.jobs
            }
            return queue.isEnded ? [] : nil
        }
        return jobs.flatMap { $0.isEmpty ? nil : $0 }
    }
}
