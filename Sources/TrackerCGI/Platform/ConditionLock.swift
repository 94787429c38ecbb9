#if canImport(Darwin)
    import Darwin
#elseif canImport(Musl)
    import Musl
#else
    import Glibc
#endif

/// State that threads share, and can wait for to change.
///
/// Everything that reads or writes `state` holds the mutex, hence the unchecked conformance. The mutex and the
/// condition live at an address of their own, as POSIX demands, from `init` to `deinit`.
final class ConditionLock<State: Sendable>: @unchecked Sendable {
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
    private var state: State

    init(_ state: State) {
        self.state = state
        mutex.initialize(to: pthread_mutex_t())
        condition.initialize(to: pthread_cond_t())
        pthread_mutex_init(mutex, nil)
        #if canImport(Darwin)
            pthread_cond_init(condition, nil)
        #else
            var attributes = pthread_condattr_t()
            pthread_condattr_init(&attributes)
            pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
            pthread_cond_init(condition, &attributes)
            pthread_condattr_destroy(&attributes)
        #endif
    }

    deinit {
        pthread_cond_destroy(condition)
        pthread_mutex_destroy(mutex)
        condition.deallocate()
        mutex.deallocate()
    }

    func withLock<Result>(_ body: (inout State) throws -> Result) rethrows -> Result {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        return try body(&state)
    }

    /// Wakes every thread in `wait`.
    func broadcast() {
        pthread_cond_broadcast(condition)
    }

    /// Waits until `body` gives a result, asking again after each `broadcast`.
    ///
    /// - Returns: nil if the time is over.
    func wait<Result>(milliseconds: Int, _ body: (inout State) throws -> Result?) rethrows -> Result? {
        let deadline = Clock.milliseconds &+ milliseconds
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        while true {
            if let result = try body(&state) { return result }
            let left = deadline &- Clock.milliseconds
            if left <= 0 { return nil }
            #if canImport(Darwin)
                var limit = timespec(tv_sec: left / 1000, tv_nsec: left % 1000 * 1_000_000)
                pthread_cond_timedwait_relative_np(condition, mutex, &limit)
            #else
                var limit = timespec(tv_sec: deadline / 1000, tv_nsec: deadline % 1000 * 1_000_000)
                pthread_cond_timedwait(condition, mutex, &limit)
            #endif
        }
    }
}

/// The monotonic clock.
enum Clock {
    static var milliseconds: Int {
        var now = timespec()
        clock_gettime(CLOCK_MONOTONIC, &now)
        return now.tv_sec * 1000 + now.tv_nsec / 1_000_000
    }
}

extension Duration {
    /// Whole milliseconds, from 0 to a day.
    var boundedMilliseconds: Int {
        let day: Int64 = 86_400
        let (seconds, attoseconds) = components
        if seconds < 0 { return 0 }
        if seconds >= day { return Int(day) * 1000 }
        return Int(seconds) * 1000 + Int(max(0, attoseconds) / 1_000_000_000_000_000)
    }
}
