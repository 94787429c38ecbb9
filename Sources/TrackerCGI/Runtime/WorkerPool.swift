import CLibrary
import Synchronization
import TrackerCore

/// A pool of threads that share one poller and also run blocking work.
///
/// The thread that gets an event handles it and, if that leads to work that may block, runs this work too, without
/// switching threads. The pool grows while all threads are busy, up to the limit of threads in blocking work plus one,
/// so that events are always handled. Work beyond the limit waits in a bounded queue.
final class WorkerPool: Sendable {
    typealias Job = @Sendable (Worker) -> Void

    let poller: Poller
    let maximumThreads: Int
    let maximumWaiting: Int
    private let wake: WakePipe
    private let log: RateLimitedLog
    private let line = ThreadLock(JobQueue())
    private let handler = ThreadLock<@Sendable (Poller.Event, Worker) -> Void>({ _, _ in })
    private let blocking = Atomic<Int>(0)
    private let idle = Atomic<Int>(0)
    private let threads = Atomic<Int>(0)
    private let finished = Atomic<UInt64>(0)
    private let isStarved = Atomic<Bool>(false)
    private let isStopped = Atomic<Bool>(false)
    private let overseer = ThreadLock((isStarted: false, isAwake: false))

    /// Lower tokens are reserved for the pool.
    static let firstFreeToken: UInt64 = 2
    private static let wakeToken: UInt64 = 1

    /// - Parameters:
    ///   - maximumThreads: the most threads in blocking work, 1...1024.
    ///   - maximumWaiting: the most jobs that may wait for one of them.
    init(maximumThreads: Int, maximumWaiting: Int, log: RateLimitedLog) throws(SystemError) {
        self.maximumThreads = max(1, min(maximumThreads, 1024))
        self.maximumWaiting = max(0, maximumWaiting)
        self.log = log
        poller = try Poller()
        wake = try WakePipe()
        try poller.add(wake.readEnd.number, token: Self.wakeToken, interest: [.read, .edge])
    }

    deinit { poller.close() }

    /// Starts the first thread.
    ///
    /// - Parameter handler: handles events of descriptors added to the poller.
    func start(_ handler: @escaping @Sendable (Poller.Event, Worker) -> Void = { _, _ in }) {
        self.handler.withLock { $0 = handler }
        growIfBusy()
    }

    /// Ends threads as they become idle.
    func stop() {
        isStopped.store(true, ordering: .releasing)
        wake.write(1)
    }

    /// The figures for a status line: all threads, those in blocking work, and queued jobs.
    var load: (threads: Int, blocking: Int, waiting: Int) {
        (threads.load(ordering: .relaxed), blocking.load(ordering: .relaxed), line.withLock { $0.count })
    }

    // MARK: Blocking work

    /// Runs a job: on this thread at once if one more may block, else through the queue.
    ///
    /// - Returns: false if the queue is full; the job does not run then.
    func run(on worker: Worker, _ job: @escaping Job) -> Bool {
        guard beginBlocking() else { return submit(job) }
        growIfBusy()
        job(worker)
        endBlocking()
        return true
    }

    /// Queues a job.
    ///
    /// - Parameter isBounded: false for a job that must run in any case and is bounded by other means.
    /// - Returns: false if the queue is full; the job does not run then.
    func submit(isBounded: Bool = true, _ job: @escaping Job) -> Bool {
        let isAccepted = line.withLock { line in
            // Jobs that a free thread takes do not count as waiting.
            let free = maximumThreads - blocking.load(ordering: .relaxed)
            if isBounded, line.count - max(0, free) >= maximumWaiting { return false }
            line.append(job)
            return true
        }
        guard isAccepted else { return false }
        growIfBusy()
        wake.write(1)
        return true
    }

    /// Runs a function that may block, off Swift's cooperative pool.
    ///
    /// - Throws: `CGIRequestError.overloaded` if the queue is full, and errors of the function.
    func run<Result: Sendable>(_ body: @escaping @Sendable () throws -> Result) async throws -> Result {
        try await withCheckedThrowingContinuation { continuation in
            let isAccepted = submit { _ in
                do {
                    continuation.resume(returning: try body())
                } catch {
                    continuation.resume(throwing: error)
                }
            }
            if !isAccepted { continuation.resume(throwing: CGIRequestError.overloaded) }
        }
    }

    private func beginBlocking() -> Bool {
        // Never above the limit, even briefly: another thread that saw it there would leave a job in the queue.
        var count = blocking.load(ordering: .acquiring)
        while count < maximumThreads {
            let (isExchanged, original) = blocking.compareExchange(
                expected: count, desired: count + 1, ordering: .acquiringAndReleasing)
            if isExchanged { return true }
            count = original
        }
        return false
    }

    private func endBlocking() {
        blocking.wrappingSubtract(1, ordering: .acquiringAndReleasing)
    }

    // MARK: Threads

    private static let quickThreads = max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN))) + 1

    /// Starts another thread if none is waiting for events: at once up to one more than there are processors, beyond
    /// that only if the threads are stuck. More threads would only compete for the processors.
    private func growIfBusy() {
        guard idle.load(ordering: .relaxed) == 0 else { return }
        if threads.load(ordering: .relaxed) < Self.quickThreads {
            startThread()
        } else if !isStarved.exchange(true, ordering: .acquiringAndReleasing) {
            overseer.withLock { $0.isAwake = true }
            overseer.signal()
            startOverseer()
        }
    }

    /// - Returns: false at the limit, or if the thread can't be created.
    @discardableResult
    private func startThread() -> Bool {
        let count = threads.wrappingAdd(1, ordering: .relaxed).newValue
        // One more than may block, to handle events.
        guard count <= maximumThreads + 1 else {
            threads.wrappingSubtract(1, ordering: .relaxed)
            return false
        }
        // Counted as idle from here on, or a burst would start one thread per request.
        idle.wrappingAdd(1, ordering: .relaxed)
        do {
            try DetachedThread.start(name: "cgi-worker", stackBytes: 1 << 20) { self.work() }
            return true
        } catch {
            idle.wrappingSubtract(1, ordering: .relaxed)
            threads.wrappingSubtract(1, ordering: .relaxed)
            log.write("thread", "can't start another thread: \(error)")
            return false
        }
    }

    private func startOverseer() {
        let isFirst = overseer.withLock { state in
            defer { state.isStarted = true }
            return !state.isStarted
        }
        guard isFirst else { return }
        do {
            try DetachedThread.start(name: "cgi-pool", stackBytes: 256 << 10) { self.monitor() }
        } catch {
            overseer.withLock { $0.isStarted = false }
            isStarved.store(false, ordering: .releasing)
            startThread()
        }
    }

    /// Adds threads while all of them have made no progress for two milliseconds: one, then two, then four, up to 16 at
    /// a time, as long as the new ones are soon stuck as well.
    private func monitor() {
        var batch = 1
        var lastGrowth = 0
        while !isStopped.load(ordering: .acquiring) {
            _ = overseer.wait { state -> Bool? in
                defer { state.isAwake = false }
                return state.isAwake ? true : nil
            }
            if SystemClock.milliseconds() - lastGrowth > Self.burstMilliseconds { batch = 1 }
            while idle.load(ordering: .relaxed) == 0 {
                let before = finished.load(ordering: .relaxed)
                usleep(2000)
                guard finished.load(ordering: .relaxed) == before else {
                    batch = 1
                    continue
                }
                for _ in 0..<batch where !startThread() { break }
                batch = min(batch * 2, 16)
                lastGrowth = SystemClock.milliseconds()
            }
            isStarved.store(false, ordering: .releasing)
            // A thread that became busy just before that did not wake this one.
            if idle.load(ordering: .sequentiallyConsistent) == 0 { growIfBusy() }
        }
    }

    private static let burstMilliseconds = 50

    private func work() {
        let worker = Worker()
        let handler = handler.withLock { $0 }
        while !isStopped.load(ordering: .relaxed) {
            let event = poller.waitForOne(milliseconds: 30_000)
            idle.wrappingSubtract(1, ordering: .relaxed)
            if let event {
                if event.token == Self.wakeToken { wake.drainAll() } else { handler(event, worker) }
                while runNextJob(on: worker) {}
            } else if idle.load(ordering: .relaxed) >= 2 {
                threads.wrappingSubtract(1, ordering: .relaxed)
                return
            }
            finished.wrappingAdd(1, ordering: .relaxed)
            idle.wrappingAdd(1, ordering: .relaxed)
        }
        idle.wrappingSubtract(1, ordering: .relaxed)
        threads.wrappingSubtract(1, ordering: .relaxed)
        // Pass the wake-up on to the next thread.
        wake.write(1)
    }

    /// Runs a job from the queue. Nothing else may have to wait for its end: a thread is provided for the next
    /// event, and one is woken if another job is queued.
    private func runNextJob(on worker: Worker) -> Bool {
        guard beginBlocking() else { return false }
        let (job, isLast) = line.withLock { line in (line.take(), line.count == 0) }
        guard let job else {
            endBlocking()
            // A job queued meanwhile may have found no free slot while this thread held the last one.
            return line.withLock { $0.count > 0 }
        }
        growIfBusy()
        if !isLast { wake.write(1) }
        job(worker)
        endBlocking()
        finished.wrappingAdd(1, ordering: .relaxed)
        return true
    }
}
