/// A FIFO queue of jobs that wait for a thread of the pool.
struct JobQueue: Sendable {
    private var jobs: [WorkerPool.Job] = []
    private var first = 0

    var count: Int { jobs.count - first }

    mutating func append(_ job: @escaping WorkerPool.Job) { jobs.append(job) }

    mutating func take() -> WorkerPool.Job? {
        guard first < jobs.count else { return nil }
        let job = jobs[first]
        first += 1
        if first == jobs.count {
            jobs.removeAll(keepingCapacity: first <= 64)
            first = 0
        } else if first > 256, first > jobs.count / 2 {
            jobs.removeFirst(first)
            first = 0
        }
        return job
    }
}
