import Synchronization

#if canImport(Darwin)
    import Darwin
#elseif canImport(Musl)
    import Musl
#else
    import Glibc
#endif

/// A best effort for processes that end by `exit` or by returning from `main` without a shutdown of their tracker.
enum LastMoment {
    private struct State {
        var pipelines: [ObjectIdentifier: DeliveryPipeline] = [:]
        /// Who registered: a child that was forked has the list, but none of the threads.
        var process: Int32 = 0
    }

    private static let state = Mutex(State())
    private static let patience: UInt64 = 1_000_000_000

    static func add(_ pipeline: DeliveryPipeline) {
        let isFirst = state.withLock { state -> Bool in
            let isFirst = state.process == 0
            if state.process != getpid() { state.pipelines.removeAll() }
            state.process = getpid()
            state.pipelines[ObjectIdentifier(pipeline)] = pipeline
            return isFirst
        }
        if isFirst { atexit { LastMoment.arrive() } }
    }

    static func remove(_ pipeline: DeliveryPipeline) {
        state.withLock { _ = $0.pipelines.removeValue(forKey: ObjectIdentifier(pipeline)) }
    }

    /// Gives all trackers together a second to deliver, spool or count what they have.
    private static func arrive() {
        let pipelines = state.withLock { state in
            state.process == getpid() ? Array(state.pipelines.values) : []
        }
        let deadline = SystemClock.monotonicNanoseconds() &+ patience
        let forgotten = pipelines.filter { !$0.orders().isClosed }
        for pipeline in pipelines { _ = pipeline.close(stopAt: deadline) }
        // Until the threads are gone, and not only their events: what they use is about to be taken down.
        while state.withLock({ !$0.pipelines.isEmpty }), SystemClock.monotonicNanoseconds() < deadline + 50_000_000 {
            usleep(500)
        }
        for pipeline in pipelines { pipeline.abandon(isLast: true) }
        for pipeline in forgotten {
            let lost = pipeline.statistics.dropped[.shutdown] ?? 0
            guard lost > 0 else { continue }
            TrackerLog.standardError(
                .warning,
                "the process ended without a shutdown of its tracker: \(lost) events are lost; call tracker.shutdown()")
        }
    }
}
