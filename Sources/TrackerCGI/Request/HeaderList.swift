/// Rebuilds the request's headers from the variables (RFC 3875, section 4.1.18).
enum HeaderList {
    /// - Returns: names and values in the order of the variables; a repeated header stands once, at its first place.
    static func headers(of variables: CGIVariables) -> [(name: String, value: String)] {
        var headers: [(name: String, value: String)] = []
        headers.reserveCapacity(variables.count)
        for index in variables.indices {
            guard let name = headerName(variables.nameBytes(at: index)) else { continue }
            let value = TextDecoding.string(trimmed(variables.valueBytes(at: index)))
            switch name {
            case "Content-Type", "Content-Length":
                // Servers send these empty where the request has none.
                if value.isEmpty { continue }
            default: break
            }
            guard let known = headers.firstIndex(where: { $0.name == name }) else {
                headers.append((name, value))
                continue
            }
            switch name {
            case "Host", "Authorization", "Proxy-Authorization", "Content-Type", "Content-Length":
                headers[known].value = value
            case "Cookie": headers[known].value += "; " + value
            default: headers[known].value += ", " + value
            }
        }
        return headers
    }

    /// The `Cookie` headers, joined.
    static func cookieBytes(of variables: CGIVariables) -> [UInt8] {
        var joined: [UInt8] = []
        for index in variables.indices where variables.nameBytes(at: index).elementsEqual("HTTP_COOKIE".utf8) {
            if !joined.isEmpty { joined.append(contentsOf: "; ".utf8) }
            joined.append(contentsOf: variables.valueBytes(at: index))
        }
        return joined
    }

    /// Without the white space around it, which is no part of a value (RFC 9110, section 5.5). nginx leaves tabs there.
    private static func trimmed(_ value: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        var value = value
        while let first = value.first, first == 0x20 || first == 0x09 { value = value.dropFirst() }
        while let last = value.last, last == 0x20 || last == 0x09 { value = value.dropLast() }
        return value
    }

    /// `HTTP_USER_AGENT` is `User-Agent`; nil for what is no header.
    private static func headerName(_ variable: ArraySlice<UInt8>) -> String? {
        if variable.elementsEqual("CONTENT_TYPE".utf8) { return "Content-Type" }
        if variable.elementsEqual("CONTENT_LENGTH".utf8) { return "Content-Length" }
        guard variable.starts(with: "HTTP_".utf8), variable.count > 5 else { return nil }
        var isWordStart = true
        var name: [UInt8] = []
        name.reserveCapacity(variable.count - 5)
        for byte in variable.dropFirst(5) {
            switch byte {
            case UInt8(ascii: "_"):
                name.append(UInt8(ascii: "-"))
                isWordStart = true
                continue
            case UInt8(ascii: "A")...UInt8(ascii: "Z"): name.append(isWordStart ? byte : byte | 0x20)
            default: name.append(byte)
            }
            isWordStart = false
        }
        let text = TextDecoding.string(name)
        // Some servers send these a second time as headers; CONTENT_TYPE and CONTENT_LENGTH are the ones that count.
        return text == "Content-Type" || text == "Content-Length" ? nil : text
    }
}
