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
    var maximumBodyBytes = 0
    var announcedBytes: Int?
    var hasWholeBody = false
    /// Why the body cannot be read to its end.
    var bodyFailure: CGIRequestError?
    /// Memory of the variables and of a collected body.
    let reservation: BodyReservation
    /// How long the web server has been waited for.
    var patience: FastCGIPatience
    let began: Int

    init(id: UInt16, serial: UInt64, keepsConnection: Bool, budget: BodyBudget, now: Int) {
        self.id = id
        self.serial = serial
        self.keepsConnection = keepsConnection
        reservation = BodyReservation(budget)
        patience = FastCGIPatience(now: now)
        began = now
    }
}

/// How long something has been waited for that comes, or goes, in pieces.
///
/// A piece alone gives no new time: a byte a second would hold a connection for ever. So many bytes do.
struct FastCGIPatience: Sendable {
    private var waited = 0
    private var waitsSince: Int?
    private var bytes = 0

    /// What has to move within one time limit.
    static let minimumBytes = 16 << 10

    init(now: Int? = nil) {
        waitsSince = now
    }

    mutating func moved(_ count: Int, now: Int) {
        bytes += count
        guard bytes >= Self.minimumBytes else { return }
        bytes = 0
        waited = 0
        if waitsSince != nil { waitsSince = now }
    }

    /// The clock runs.
    mutating func begin(now: Int) {
        if waitsSince == nil { waitsSince = now }
    }

    /// The clock stands still: it is not the other side that is waited for.
    mutating func pause(now: Int) {
        guard let since = waitsSince else { return }
        waited += max(0, now - since)
        waitsSince = nil
    }

    func isOver(_ milliseconds: Int, now: Int) -> Bool { left(milliseconds, now: now) < 0 }

    /// What is left of a time limit.
    func left(_ milliseconds: Int, now: Int) -> Int {
        milliseconds - waited - (waitsSince.map { now - $0 } ?? 0)
    }
}

/// Bytes that wait for their reader, first in, first out.
struct ByteQueue: Sendable {
    private var bytes: [UInt8] = []
    private var start = 0

    var count: Int { bytes.count - start }
    var isEmpty: Bool { start == bytes.count }

    /// Makes room at once where the length is known: growing would take up to three times of it.
    mutating func reserve(_ count: Int) { bytes.reserveCapacity(count) }

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
