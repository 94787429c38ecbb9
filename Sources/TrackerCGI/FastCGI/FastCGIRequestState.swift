/// What a connection knows of one request, from BEGIN_REQUEST to END_REQUEST.
struct FastCGIRequestState: Sendable {
    enum Phase: Sendable {
        /// Its variables are arriving.
        case params
        /// Its body is being collected for the handler.
        case collecting(CGIRequest, RequestPlan)
        /// It is with its handler, which may still be reading the body.
        case running(CGIRequest, isStreaming: Bool)
    }

    let id: UInt16
    /// Tells requests apart that used the same id one after the other.
    let serial: UInt64
    let keepsConnection: Bool
    var phase = Phase.params
    var params: [UInt8] = []
    var body = ByteQueue()
    var bodyBytes = 0
    var maximumBodyBytes = 0
    var announcedBytes: Int?
    var hasWholeBody = false
    /// Why the body cannot be read to its end.
    var bodyFailure: CGIRequestError?
    /// An asynchronous handler that waits for more of the body.
    var reader: CheckedContinuation<Void, Never>?
    /// Cancels the task of an asynchronous handler.
    var cancel: (@Sendable () -> Void)?
    /// When something of the request arrived last, in milliseconds of the monotonic clock.
    var lastInput: Int
    let began: Int

    init(id: UInt16, serial: UInt64, keepsConnection: Bool, now: Int) {
        self.id = id
        self.serial = serial
        self.keepsConnection = keepsConnection
        lastInput = now
        began = now
    }
}

/// Bytes that wait for their reader, first in, first out.
struct ByteQueue: Sendable {
    private var bytes: [UInt8] = []
    private var start = 0

    var count: Int { bytes.count - start }
    var isEmpty: Bool { start == bytes.count }

    mutating func append(_ piece: UnsafeRawBufferPointer) {
        if start > 16_384, start > bytes.count / 2 {
            bytes.removeSubrange(0..<start)
            start = 0
        }
        bytes.append(contentsOf: piece)
    }

    /// Takes at most `maximum` bytes off the front.
    mutating func take(upTo maximum: Int) -> [UInt8] {
        let end = start + min(max(0, maximum), count)
        if start == 0, end == bytes.count {
            defer { bytes = [] }
            return bytes
        }
        let piece = Array(bytes[start..<end])
        start = end
        if isEmpty {
            bytes = []
            start = 0
        }
        return piece
    }

    /// Takes everything.
    mutating func takeAll() -> [UInt8] { take(upTo: count) }
}
