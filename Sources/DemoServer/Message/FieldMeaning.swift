import TrackerCore

/// What the header fields of a request say about its body and its connection (RFC 9112, sections 6, 7 and 9).
struct FieldMeaning {
    private var contentLength: Int?
    private var isChunked = false
    private var hosts = 0
    private var closes = false
    private var staysOpen = false
    private(set) var expectsContinue = false

    mutating func note(_ field: HTTPRequest.Field) throws(RequestRefusal) {
        // The length rules out most names without a comparison.
        switch field.name.utf8.count {
        case 4 where ASCII.equalsIgnoringCase(field.name, "host"):
            hosts += 1
            guard hosts == 1 else { throw RequestRefusal(400, "more than one Host") }
        case 6 where ASCII.equalsIgnoringCase(field.name, "expect"):
            guard ASCII.equalsIgnoringCase(field.value, "100-continue") else {
                throw RequestRefusal(417, "the only supported expectation is 100-continue")
            }
            expectsContinue = true
        case 10 where ASCII.equalsIgnoringCase(field.name, "connection"):
            for option in field.value.lowercased().split(separator: ",") {
                let option = option.filter { $0 != " " && $0 != "\t" }
                if option == "close" { closes = true }
                if option == "keep-alive" { staysOpen = true }
            }
        case 14 where ASCII.equalsIgnoringCase(field.name, "content-length"):
            guard contentLength == nil else { throw RequestRefusal(400, "more than one Content-Length") }
            guard !field.value.isEmpty, field.value.utf8.allSatisfy(ASCII.isDigit),
                let length = Int(field.value)
            else { throw RequestRefusal(400, "Content-Length is not a number") }
            contentLength = length
        case 17 where ASCII.equalsIgnoringCase(field.name, "transfer-encoding"):
            guard !isChunked, ASCII.equalsIgnoringCase(field.value, "chunked") else {
                throw RequestRefusal(isChunked ? 400 : 501, "the transfer coding must be a single \"chunked\"")
            }
            isChunked = true
        default: break
        }
    }

    func framing(minorVersion: Int) throws(RequestRefusal) -> BodyFraming {
        // RFC 9112, section 3.2
        guard hosts == 1 || minorVersion == 0 else { throw RequestRefusal(400, "no Host") }
        guard isChunked else { return contentLength.map { $0 == 0 ? .none : .length($0) } ?? .none }
        guard contentLength == nil else {
            throw RequestRefusal(400, "both Transfer-Encoding and Content-Length")
        }
        guard minorVersion == 1 else { throw RequestRefusal(400, "Transfer-Encoding in HTTP/1.0") }
        return .chunked
    }

    func keepsAlive(minorVersion: Int) -> Bool {
        minorVersion == 1 ? !closes : staysOpen && !closes
    }
}
