/// A first-in, first-out queue of tracked requests, kept in chunks.
///
/// A request is moved into place; chunks are reused. The delivery thread takes a whole chunk at a time, so the lock is
/// held only briefly however many events wait.
struct EventQueue {
    static let chunkSize = 64
    /// The maximum number of empty chunks kept for reuse.
    private static let spareChunks = 16

    private var full: [[TrackedRequest]] = []
    /// The index of the oldest chunk; those before it are empty.
    private var head = 0
    private var open: [TrackedRequest] = []
    private var spare: [[TrackedRequest]] = []
    private(set) var count = 0

    var isEmpty: Bool { count == 0 }

    mutating func append(_ request: consuming TrackedRequest) {
        if open.count == Self.chunkSize { close() }
        if open.capacity == 0 { open.reserveCapacity(Self.chunkSize) }
        open.append(request)
        count &+= 1
    }

    private mutating func close() {
        full.append(open)
        open = spare.popLast() ?? []
    }

    /// Removes the oldest events, at most one chunk, in exchange for an empty chunk.
    mutating func takeChunk(for emptied: consuming [TrackedRequest]) -> [TrackedRequest] {
        if emptied.capacity > 0, spare.count < Self.spareChunks { spare.append(emptied) }
        var chunk: [TrackedRequest] = []
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
        return chunk
    }
}

/// The chunk of events that the delivery thread is working on. Owned by that thread.
struct EventBacklog {
    private var chunk: [TrackedRequest] = []
    private var next = 0

    var isEmpty: Bool { next == chunk.count }
    var count: Int { chunk.count - next }

    /// When the oldest request finished, in monotonic nanoseconds.
    var oldest: UInt64? { isEmpty ? nil : chunk[next].finishedAt }

    /// Exchanges the empty chunk for the queue's oldest. Returns the number of events in it.
    mutating func refill(from queue: inout EventQueue) -> Int {
        next = 0
        chunk = queue.takeChunk(for: chunk)
        return chunk.count
    }

    /// Calls `body` with the next event. Releases the chunk's events once the last is read.
    mutating func readNext(_ body: (borrowing TrackedRequest) -> Void) {
        guard next < chunk.count else { return }
        chunk.withUnsafeBufferPointer { body($0[next]) }
        next += 1
        if isEmpty {
            chunk.removeAll(keepingCapacity: true)
            next = 0
        }
    }
}
