/// The cached properties of a header name. Holds no references, so that reading it is cheap.
struct KnownHeader {
    fileprivate let key: HeaderNameKey
    /// The name's range in the text of ``HeaderNames``, as sent: each spelling has its own entry.
    fileprivate let name: Range<Int>
    /// The range of its opening there, the JSON before a value.
    fileprivate let opening: Range<Int>
    /// The entry shared by all spellings of the name (RFC 9110, section 5.1).
    let group: Int
    let treatment: PrivacyFilter.Treatment
    let isContentType: Bool
    let isCookie: Bool
    /// Whether the field may appear in an event.
    let isUsable: Bool
    /// Whether the name was too long for an event.
    let isCut: Bool
}

/// A cache of header names, because requests repeat the same few. Used by the delivery thread only.
///
/// Emptied when it grows too large, so that made-up names can't exhaust memory. The hash has a random seed, so that
/// they can't slow down lookups either.
struct HeaderNames {
    private var entries: [KnownHeader] = []
    /// The bytes of all names and openings.
    private var text: [UInt8] = []
    /// The hash table, with linear probing: the number of an entry; -1: free.
    private var places = [Int16](repeating: -1, count: Self.placeCount)
    /// The event in which each group was last seen.
    private var lastSeen: [UInt64] = []
    private var event: UInt64 = 0
    private var style = EventStyle.router
    private let seed = UInt64.random(in: .min ... .max)

    private static let placeCount = 1024
    private static let mostBytes = 128 << 10

    subscript(number: Int) -> KnownHeader { entries[number] }

    /// Writes the JSON before a value: a comma, the CGI variable's name, and the quote after the colon.
    @inline(__always)
    func appendOpening(_ number: Int, withComma: Bool, to writer: inout JSONWriter) {
        let opening = entries[number].opening
        text.withUnsafeBufferPointer {
            writer.raw(
                UnsafeBufferPointer(rebasing: $0[(opening.lowerBound &+ (withComma ? 0 : 1))..<opening.upperBound]))
        }
    }

    /// Begins an event, which may add at most ``EventLimit/headers`` names.
    mutating func begin(_ style: EventStyle) {
        event &+= 1
        guard
            entries.count > Self.placeCount / 2 - EventLimit.headers || text.count > Self.mostBytes
                || style != self.style
        else { return }
        self.style = style
        entries.removeAll()
        lastSeen.removeAll()
        text.removeAll()
        for place in places.indices { places[place] = -1 }
    }

    /// Returns the number of a name's entry, valid until the next event begins; nil if the name is new.
    @inline(__always)
    func number(of bytes: UnsafeBufferPointer<UInt8>) -> Int? {
        let number = places[place(of: bytes, HeaderNameKey(bytes))]
        return number < 0 ? nil : Int(number)
    }

    /// Returns the place of a name in the hash table, or the free one where it belongs.
    @inline(__always)
    private func place(of bytes: UnsafeBufferPointer<UInt8>, _ key: HeaderNameKey) -> Int {
        var place = key.hash(seed) & (Self.placeCount - 1)
        while case let number = Int(places[place]), number >= 0 {
            if entries[number].key == key, bytes.count <= 16 || isSame(entries[number].name, bytes) { break }
            place = (place &+ 1) & (Self.placeCount - 1)
        }
        return place
    }

    private func isSame(_ name: Range<Int>, _ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
        text.withUnsafeBytes { text in
            let name = UnsafeRawBufferPointer(rebasing: text[name])
            let other = UnsafeRawBufferPointer(bytes)
            // The first and the last eight bytes are known to be equal.
            var index = 8
            while index &+ 8 < name.count {
                let word = name.loadUnaligned(fromByteOffset: index, as: UInt64.self)
                if word != other.loadUnaligned(fromByteOffset: index, as: UInt64.self) { return false }
                index &+= 8
            }
            return true
        }
    }

    /// Marks the name as seen, and returns whether the event already had it, in any spelling.
    mutating func isRepetition(_ number: Int) -> Bool {
        let group = entries[number].group
        if lastSeen[group] == event { return true }
        lastSeen[group] = event
        return false
    }

    /// Adds a name that has no entry yet.
    ///
    /// - Returns: its number.
    mutating func add(_ bytes: UnsafeBufferPointer<UInt8>, _ treatment: PrivacyFilter.Treatment) -> Int {
        let key = HeaderNameKey(bytes)
        let number = entries.count
        places[place(of: bytes, key)] = Int16(number)
        let name = String(decoding: bytes, as: UTF8.self)
        let kept = StringBytes.prefix(of: bytes, bytes: EventLimit.viewNameBytes)
        let isContentType = RequestHeaders.isEqual(name, "content-type")
        let isBare = style == .router && (isContentType || RequestHeaders.isEqual(name, "content-length"))
        // A name with an underscore could shadow the real one: "X_Real" and "X-Real" have the same CGI name.
        let isAmbiguous = bytes.contains(where: Self.isMisleading)
        let group = entries.firstIndex { isSameIgnoringCase($0.name, bytes) } ?? number
        let start = text.count
        text += bytes
        let openingStart = text.count
        text += isBare ? ",\"".utf8 : ",\"HTTP_".utf8
        text += kept.lazy.map(Self.variableByte)
        text += "\":\"".utf8
        entries.append(
            KnownHeader(
                key: key, name: start..<openingStart, opening: openingStart..<text.count, group: group,
                treatment: treatment, isContentType: isContentType, isCookie: RequestHeaders.isEqual(name, "cookie"),
                isUsable: !bytes.isEmpty && !isAmbiguous && treatment != .omit, isCut: kept.count < bytes.count))
        lastSeen.append(0)
        return number
    }

    private func isSameIgnoringCase(_ name: Range<Int>, _ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
        ASCII.equalsIgnoringCase(text[name], bytes)
    }

    /// Returns whether a byte is an underscore, or one that no name may have (RFC 9110, section 5.6.2) and no server
    /// lets through.
    private static func isMisleading(_ byte: UInt8) -> Bool {
        byte <= 0x20 || byte == UInt8(ascii: "_") || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\")
    }

    /// Returns a byte of a CGI variable's name (RFC 3875, section 4.1.18): in uppercase, hyphens as underscores.
    private static func variableByte(_ byte: UInt8) -> UInt8 {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"): byte & 0xDF
        case UInt8(ascii: "-"): UInt8(ascii: "_")
        default: byte
        }
    }
}

/// A name's length and its first and last eight bytes: the whole name if it has at most sixteen.
private struct HeaderNameKey: Equatable {
    private let count: Int
    private let head: UInt64
    private let tail: UInt64

    @inline(__always)
    init(_ name: UnsafeBufferPointer<UInt8>) {
        let raw = UnsafeRawBufferPointer(name)
        count = raw.count
        if raw.count >= 8 {
            head = raw.loadUnaligned(as: UInt64.self)
            tail = raw.loadUnaligned(fromByteOffset: raw.count &- 8, as: UInt64.self)
        } else {
            var word: UInt64 = 0
            for byte in raw { word = word << 8 | UInt64(byte) }
            head = word
            tail = 0
        }
    }

    @inline(__always)
    func hash(_ seed: UInt64) -> Int {
        let product = (head ^ seed).multipliedFullWidth(by: (tail ^ UInt64(count)) &+ 0x9E37_79B9_7F4A_7C15)
        return Int(truncatingIfNeeded: product.high ^ product.low)
    }
}
