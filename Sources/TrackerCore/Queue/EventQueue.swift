/// A first-in, first-out queue of tracked requests, kept in chunks.
///
/// Requests are moved, not copied, and chunks are reused. The delivery thread takes a whole chunk at a time, so the
/// lock is held only briefly however many events wait.
///
/// It returns chunks whose events are written. Each thread that adds an event releases one of those: memory that one
/// thread allocates and another frees costs an allocator several times as much.
struct EventQueue {
    static let chunkSize = 64
    /// The maximum number of empty chunks kept for reuse.
    private static let spareChunks = 16
    /// The maximum number of chunks with written events: as many as arrive in 5 ms, the delivery thread's polling
    /// interval, at 100,000 requests a second.
    private static let writtenChunks = 8

    private var full: [[TrackedRequest]] = []
    /// The index of the oldest chunk; those before it are empty.
    private var head = 0
    private var open: [TrackedRequest] = []
    private var spare: [[TrackedRequest]] = []
    private var written: [[TrackedRequest]] = []
    private(set) var count = 0

    var isEmpty: Bool { count == 0 }

    /// - Returns: a written event for the caller to release without the lock.
    mutating func append(_ request: consuming TrackedRequest) -> TrackedRequest? {
        if open.count == Self.chunkSize { close() }
        if open.capacity == 0 { open.reserveCapacity(Self.chunkSize) }
        open.append(request)
        count &+= 1
        guard !written.isEmpty else { return nil }
        let released = written[written.count - 1].popLast()
        if written[written.count - 1].isEmpty, let emptied = written.popLast() { keep(emptied) }
        return released
    }

    private mutating func keep(_ emptied: consuming [TrackedRequest]) {
        if emptied.capacity > 0, spare.count < Self.spareChunks { spare.append(emptied) }
    }

    /// Returns all written events, for the caller to release without the lock.
    mutating func takeWritten() -> [[TrackedRequest]] {
        var taken: [[TrackedRequest]] = []
        swap(&taken, &written)
        return taken
    }

    private mutating func close() {
        full.append(open)
        open = spare.popLast() ?? []
    }

    /// Exchanges a chunk of written events, which may be empty, for the oldest events, at most one chunk.
    ///
    /// - Returns: events for the caller to release without the lock.
    mutating func exchange(_ chunk: inout [TrackedRequest]) -> [TrackedRequest] {
        var left: [TrackedRequest] = []
        if chunk.isEmpty {
            keep(chunk)
        } else if written.count < Self.writtenChunks {
            written.append(chunk)
        } else {
            left = chunk
        }
        chunk = []
        if head < full.count {
            swap(&chunk, &full[head])
            head += 1
            if head * 2 > full.count {
                full.removeFirst(head)
                head = 0
            }
        } else {
            chunk = spare.popLast() ?? []
            swap(&chunk, &open)
        }
        count -= chunk.count
        return left
    }
}

/// The chunk of events that the delivery thread is working on. Owned by that thread.
struct EventBacklog {
    private var chunk: [TrackedRequest] = []
    private var next = 0
    /// The bytes that the chunk's events read so far count against the queue's limit.
    private var bytes = 0

    /// The maximum size in bytes of a written chunk that is kept for release by the threads that add events.
    private static let keptBytes = 256 << 10

    var isEmpty: Bool { next == chunk.count }
    var count: Int { chunk.count - next }

    /// When the oldest request finished, in monotonic nanoseconds.
    var oldest: UInt64? { isEmpty ? nil : chunk[next].finishedAt }

    /// Exchanges the written chunk for the queue's oldest.
    ///
    /// - Returns: events for the caller to release without the lock.
    mutating func refill(from queue: inout EventQueue) -> [TrackedRequest] {
        next = 0
        bytes = 0
        return queue.exchange(&chunk)
    }

    /// Calls `body` with the next event.
    mutating func readNext(_ body: (borrowing TrackedRequest) -> Void) {
        guard next < chunk.count else { return }
        // Access through the pointer, because the buffer's subscript would copy the request.
        chunk.withUnsafeBufferPointer { chunk in
            guard let first = chunk.baseAddress else { return }
            bytes &+= first[next].approximateBytes
            body(first[next])
        }
        next += 1
        if bytes > Self.keptBytes { releaseWritten() }
    }

    /// Releases the chunk's events if all are written.
    mutating func releaseWritten() {
        guard isEmpty else { return }
        chunk.removeAll(keepingCapacity: true)
        next = 0
        bytes = 0
    }
}
