import CLibrary
import CPlatform

/// An operating-system thread that nobody joins.
///
/// It is outside Swift's cooperative pool, so it may block, and blocked tasks cannot keep it from running. It has every
/// signal blocked: signals stay with the app's own threads.
package enum DetachedThread {
    private final class Body {
        let name: String
        let run: @Sendable () -> Void
        init(name: String, run: @escaping @Sendable () -> Void) {
            self.name = name
            self.run = run
        }
    }

    /// Lets threads that wait for this processor go first; returns at once if there are none.
    static func yieldProcessor() { sched_yield() }

    /// - Parameters:
    ///   - name: shown by process tools; at most 15 bytes on Linux.
    ///   - stackBytes: the thread's stack.
    package static func start(
        name: String, stackBytes: Int = 512 * 1024, _ run: @escaping @Sendable () -> Void
    ) throws(SystemError) {
        var attributes = pthread_attr_t()
        pthread_attr_init(&attributes)
        defer { pthread_attr_destroy(&attributes) }
        pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
        pthread_attr_setstacksize(&attributes, stackBytes)

        // The new thread inherits the mask, so that no signal can reach it in between.
        var all = sigset_t()
        var previous = sigset_t()
        sigfillset(&all)
        pthread_sigmask(SIG_BLOCK, &all, &previous)
        defer { pthread_sigmask(SIG_SETMASK, &previous, nil) }

        // The reference is handed over to the thread, which takes it back exactly once.
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
