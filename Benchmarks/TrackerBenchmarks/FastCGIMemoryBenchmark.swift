import Foundation
import TrackerCore

/// Memory of the FastCGI demo with the tracker on: idle, and the peak while a handler streams a 1 GiB upload.
enum FastCGIMemoryBenchmark {
    static func run() throws -> Table {
        var table = Table("Resident memory of the FastCGI demo", columns: ["moment", "KiB"])
        let port = try BenchmarkTools.freePort()
        let demo = try BackgroundProgram(
            try BaselineProgram.demo(), ["--fastcgi", "127.0.0.1:\(port)"],
            environment: [
                "RA_PROJECT_ID": "p", "RA_PROJECT_TOKEN": "t", "RA_BACKEND_ENDPOINT": "http://127.0.0.1:9",
            ])
        defer { demo.stop() }
        var connection = try connect(port)
        table.add("idle", String(demo.memory("VmRSS")))
        try upload(1 << 20, "/count", connection)
        // The first event loads libcurl and its libraries, after the response.
        Thread.sleep(forTimeInterval: 2)
        table.add("idle, after the first event", String(demo.memory("VmRSS")))
        for path in ["/count", "/async-count"] {
            // The first request starts the threads, so that the difference is what the upload needs.
            try upload(1 << 20, path, connection)
            let before = demo.memory("VmRSS")
            try upload(1 << 30, path, connection)
            table.add("\(path): before 1 GiB, the most ever", "\(before), \(demo.memory("VmHWM"))")
            table.add("\(path): difference", String(demo.memory("VmHWM") - before))
            close(connection)
            connection = try connect(port)
        }
        close(connection)
        return table
    }

    private static func connect(_ port: UInt16) throws -> Int32 {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        for _ in 0..<500 {
            #if canImport(Glibc)
                let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
            #else
                let descriptor = socket(AF_INET, SOCK_STREAM, 0)
            #endif
            let code = withUnsafePointer(to: &address) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    Foundation.connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
                }
            }
            if code == 0 { return descriptor }
            close(descriptor)
            Thread.sleep(forTimeInterval: 0.01)
        }
        throw BenchmarkFailure("the demo does not listen")
    }

    private static func upload(_ count: Int, _ path: String, _ connection: Int32) throws {
        func record(_ type: UInt8, _ content: [UInt8]) -> [UInt8] {
            [1, type, 0, 1, UInt8(content.count >> 8), UInt8(content.count & 255), 0, 0] + content
        }
        var parameters: [UInt8] = []
        for (name, value) in [
            ("REQUEST_METHOD", "POST"), ("REQUEST_URI", path), ("CONTENT_LENGTH", String(count)), ("HTTP_HOST", "h"),
        ] {
            parameters += [UInt8(name.utf8.count), UInt8(value.utf8.count)] + Array(name.utf8) + Array(value.utf8)
        }
        try send(record(1, [0, 1, 1, 0, 0, 0, 0, 0]) + record(4, parameters) + record(4, []), connection)
        let piece = record(5, [UInt8](repeating: 0x78, count: 32_768))
        for _ in 0..<(count / 32_768) { try send(piece, connection) }
        try send(record(5, []), connection)
        var answer: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65_536)
        // The END_REQUEST record is the last 16 bytes.
        while answer.count < 32 || answer[answer.count - 15] != 3 {
            let received = recv(connection, &buffer, buffer.count, 0)
            guard received > 0 else { throw BenchmarkFailure("the demo closed the connection") }
            answer += buffer[..<received]
        }
        guard String(decoding: answer, as: UTF8.self).contains("\(count)\n") else {
            throw BenchmarkFailure("the demo counted something else")
        }
    }

    private static func send(_ bytes: [UInt8], _ connection: Int32) throws {
        var start = 0
        while start < bytes.count {
            let count = bytes[start...].withUnsafeBytes { Foundation.send(connection, $0.baseAddress, $0.count, 0) }
            guard count > 0 else { throw SystemError(call: "send") }
            start += count
        }
    }
}
