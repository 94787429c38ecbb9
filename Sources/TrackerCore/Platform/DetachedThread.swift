import CLibrary
import CPlatform

/// A detached operating-system thread.
///
/// It is outside Swift's cooperative pool, so it may block, and blocked tasks cannot keep it from running. It blocks
/// all signals, which stay with the app's own threads.
package enum DetachedThread {
    private final class Body {
        let name: String
        let run: @Sendable () -> Void
        init(name: String, run: @escaping @Sendable () -> Void) {
            self.name = name
            self.run = run
        }
    }

    /// Yields the processor to waiting threads; returns at once if there are none.
    static func yieldProcessor() { sched_yield() }

    /// - Parameters:
    ///   - name: shown by process tools; at most 15 bytes on Linux.
    ///   - stackBytes: the size of the thread's stack.
    package static func start(
        name: String, stackBytes: Int = 512 * 1024, _ run: @escaping @Sendable () -> Void
    ) throws(SystemError) {
        var attributes = pthread_attr_t()
        pthread_attr_init(&attributes)
        defer { pthread_attr_destroy(&attributes) }
        pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
        pthread_attr_setstacksize(&attributes, stackBytes)

        // Block signals before creating the thread: it inherits the mask, so no signal can reach it in between.
        var all = sigset_t()
        var previous = sigset_t()
        sigfillset(&all)
        pthread_sigmask(SIG_BLOCK, &all, &previous)
        defer { pthread_sigmask(SIG_SETMASK, &previous, nil) }

        // The thread takes over the retained reference and releases it exactly once.
        let body = Unmanaged.passRetained(Body(name: name, run: run))
        #if canImport(Darwin)
            var thread: pthread_t?
            let code = pthread_create(
                &thread, &attributes,
                { context in
                    let body = Unmanaged<Body>.fromOpaque(context).takeRetainedValue()
                    cplatform_name_thread(body.name)
                    body.run()
                    return nil
                }, body.toOpaque())
        #else
            var thread = pthread_t()
            let code = pthread_create(
                &thread, &attributes,
                { context in
                    guard let context else { return nil }
                    let body = Unmanaged<Body>.fromOpaque(context).takeRetainedValue()
                    cplatform_name_thread(body.name)
                    body.run()
                    return nil
                }, body.toOpaque())
        #endif
        guard code == 0 else {
            body.release()
            throw SystemError(call: "pthread_create", code: code)
        }
    }
}

extension DetachedThread {
    /// Runs work on a thread of its own and waits for its result; if no thread can be started, runs it in place.
    static func run<Result: Sendable>(
        name: String, _ work: @escaping @Sendable () -> Result
    ) async -> Result {
        await withCheckedContinuation { continuation in
            do {
                try start(name: name) { continuation.resume(returning: work()) }
            } catch {
                continuation.resume(returning: work())
            }
        }
    }
}

/// A thread's CPU time, and the time that it was runnable but had no processor, in nanoseconds.
struct ThreadUsage: Equatable {
    var ran: UInt64
    var waited: UInt64

    /// Reads the kernel's counts for the thread that created it (Linux: `/proc/thread-self/schedstat`, proc(5)).
    final class Reader {
        private let descriptor: Int32

        /// - Returns: nil where the kernel has no such counts.
        init?() {
            descriptor = open("/proc/thread-self/schedstat", O_RDONLY | O_CLOEXEC)
            guard descriptor >= 0 else { return nil }
        }

        deinit { close(descriptor) }

        func read() -> ThreadUsage? {
            withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 96) { room in
                guard let base = room.baseAddress else { return nil }
                let length = pread(descriptor, base, room.count, 0)
                guard length > 0 else { return nil }
                return ThreadUsage(UnsafeBufferPointer(start: base, count: length))
            }
        }
    }

    init(ran: UInt64, waited: UInt64) {
        self.ran = ran
        self.waited = waited
    }

    /// - Parameter text: three decimal numbers; the third is the count of time slices.
    init?(_ text: some Sequence<UInt8>) {
        var numbers: [UInt64] = [0]
        for byte in text {
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"):
                numbers[numbers.count - 1] = numbers[numbers.count - 1] &* 10 &+ UInt64(byte - UInt8(ascii: "0"))
            case UInt8(ascii: " "): numbers.append(0)
            case UInt8(ascii: "\n"): break
            default: return nil
            }
        }
        guard numbers.count == 3 else { return nil }
        self.init(ran: numbers[0], waited: numbers[1])
    }
}
