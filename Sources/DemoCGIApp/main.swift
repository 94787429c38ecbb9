import TrackerCGI

#if canImport(Darwin)
    import Darwin
#elseif canImport(Musl)
    import Musl
#else
    import Glibc
#endif

struct DemoError: Error {}

let app = CGIApp()
app.get("/", name: "home") { _ in CGIResponse(text: "Hello") }
app.route("/echo", methods: ["GET", "POST", "PUT"], name: "echo", body: .collected(upTo: 64 << 20)) { request in
    let body = try request.body
    return CGIResponse { writer in
        for start in stride(from: 0, to: body.count, by: 65_536) {
            try writer.write(Array(body[start..<min(start + 65_536, body.count)]))
        }
    }
}
// Reads the body as it arrives. The answer comes after it: nginx stops sending once it has a response's headers.
app.route("/count", methods: ["POST", "PUT"], name: "count", body: .streamed()) { request in
    var count = 0
    while true {
        let piece = try request.bodyStream.read()
        if piece.isEmpty { return CGIResponse(text: "\(count)\n") }
        count += piece.count
    }
}
app.route("/async-count", methods: ["POST", "PUT"], name: "async-count", body: .streamed()) { request in
    var count = 0
    for try await piece in request.bodyStream { count += piece.count }
    return CGIResponse(text: "\(count)\n")
}
app.get("/big", name: "big") { request in
    let count = min(max(0, Int(request.queryParameter("n") ?? "") ?? 0), 1 << 30)
    return CGIResponse(bytes: [UInt8](repeating: UInt8(ascii: "x"), count: count))
}
app.get("/status", name: "status") { request in
    let status = Int(request.queryParameter("code") ?? "") ?? 200
    return CGIResponse(text: "status \(status)\n", status: status)
}
app.get("/sleep", name: "sleep") { request in
    let milliseconds = min(max(0, Int(request.queryParameter("ms") ?? "") ?? 0), 10_000)
    usleep(UInt32(milliseconds) * 1000)
    return CGIResponse(text: "slept \(milliseconds) ms\n")
}
app.get("/async-sleep", name: "async-sleep") { request in
    let milliseconds = min(max(0, Int(request.queryParameter("ms") ?? "") ?? 0), 10_000)
    try await Task.sleep(for: .milliseconds(milliseconds))
    return CGIResponse(text: "slept \(milliseconds) ms\n")
}
app.get("/fail", name: "fail") { _ in throw DemoError() }
app.route("/env/*", methods: ["GET", "POST", "PUT", "DELETE"], name: "env") { request in
    var json = "{"
    for (index, variable) in request.variables.enumerated() {
        if index > 0 { json += "," }
        json += "\n\(quoted(variable.name)): \(quoted(variable.value))"
    }
    return CGIResponse(json: json + "\n}\n")
}

func quoted(_ text: String) -> String {
    var quoted = "\""
    for scalar in text.unicodeScalars {
        switch scalar {
        case "\"", "\\": quoted += "\\\(scalar)"
        case _ where scalar.value < 0x20:
            let hex = String(scalar.value, radix: 16)
            quoted += "\\u" + String(repeating: "0", count: 4 - hex.count) + hex
        default: quoted.unicodeScalars.append(scalar)
        }
    }
    return quoted + "\""
}

do {
    let arguments = CommandLine.arguments
    if arguments.count == 3, arguments[1] == "--fastcgi" {
        try app.run(.fastCGI(.init(parsing: arguments[2])))
    } else {
        try app.run()
    }
} catch {
    var message = "DemoCGIApp: \(error)\n"
    message.withUTF8 { _ = write(2, $0.baseAddress, $0.count) }
    exit(1)
}
