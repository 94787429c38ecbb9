import CLibrary
import CPlatform

/// State that many threads want at the same time, with a condition to wait for.
///
/// `Mutex` of the standard library hands a lock over to whoever waits for it, and spins before it waits. With more
/// threads than processors, and a lock that every request takes, that was a third of all processor time: each hand-over
/// waits for a thread that does not run. The system's own lock goes to whoever runs. Where it can, it looks again for a
/// moment before it asks the kernel to wait: it is held for nanoseconds, and to be woken takes many microseconds.
///
/// Waits use the monotonic clock: setting the time of day neither shortens nor prolongs one.
///
/// Everything that reads or writes `state` holds the lock, hence the unchecked conformance. The lock lives at an address
/// of its own, as POSIX demands, from `init` to `deinit`.
package final class ThreadLock<Contents>: @unchecked Sendable {
    private let lock: UnsafeMutablePointer<cplatform_lock>
    /// Not checked for overlapping accesses at run time, which the lock rules out, and which every request would pay.
    @exclusivity(unchecked) private var state: Contents

    /// - Parameter survivesFork: a fork waits until nobody holds the lock, and the child may use the state. Such a lock
    ///   must not be made, or let go of, while another is held.
    package init(_ state: sending Contents, survivesFork: Bool = false) {
        self.state = state
        lock = .allocate(capacity: 1)
        cplatform_lock_create(lock, survivesFork ? 1 : 0)
    }

    deinit {
        cplatform_lock_destroy(lock)
        lock.deallocate()
    }

    @inline(__always)
    package func withLock<Result>(_ body: (inout Contents) throws -> Result) rethrows -> Result {
        pthread_mutex_lock(&lock.pointee.mutex)
        defer { pthread_mutex_unlock(&lock.pointee.mutex) }
        return try body(&state)
    }

    /// Does nothing, and returns nil, where another thread holds the lock.
    @inline(__always)
    package func withLockIfFree<Result>(_ body: (inout Contents) throws -> Result) rethrows -> Result? {
        guard pthread_mutex_trylock(&lock.pointee.mutex) == 0 else { return nil }
        defer { pthread_mutex_unlock(&lock.pointee.mutex) }
        return try body(&state)
    }

    /// ``withLock(_:)`` with something to move into the state, which a closure could only copy.
    @inline(__always)
    package func withLock<Value, Result>(
        moving value: consuming Value, _ body: (inout Contents, consuming Value) throws -> Result
    ) rethrows -> Result {
        pthread_mutex_lock(&lock.pointee.mutex)
        defer { pthread_mutex_unlock(&lock.pointee.mutex) }
        return try body(&state, value)
    }

    /// Waits until `body` gives a value. It is asked at once, and again after each ``signal()``.
    ///
    /// - Parameter deadline: nanoseconds of ``SystemClock/monotonicNanoseconds()``; nil: wait without an end.
    /// - Returns: nil if there was no value before the deadline.
    package func wait<Result>(
        until deadline: UInt64? = nil, for body: (inout Contents) throws -> Result?
    ) rethrows -> Result? {
        pthread_mutex_lock(&lock.pointee.mutex)
        defer { pthread_mutex_unlock(&lock.pointee.mutex) }
        while true {
            if let result = try body(&state) { return result }
            if cplatform_lock_wait(lock, deadline ?? .max) != 0 { return try body(&state) }
        }
    }

    /// Lets all who wait look again.
    package func signal() { pthread_cond_broadcast(&lock.pointee.condition) }
}
