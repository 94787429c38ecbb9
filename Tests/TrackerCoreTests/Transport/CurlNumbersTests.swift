import Foundation
import TestSupport
import Testing

/// Compares the package's numbers with those of libcurl's own header, where that is installed.
@Suite("libcurl's numbers")
struct CurlNumbersTests {
    private static let names = [
        ("option_write_data", "CURLOPT_WRITEDATA"), ("option_url", "CURLOPT_URL"),
        ("option_error_buffer", "CURLOPT_ERRORBUFFER"), ("option_post_fields", "CURLOPT_POSTFIELDS"),
        ("option_http_header", "CURLOPT_HTTPHEADER"),
        ("option_header_data", "CURLOPT_HEADERDATA"), ("info_http_connect_code", "CURLINFO_HTTP_CONNECTCODE"),
        ("option_ca_info", "CURLOPT_CAINFO"), ("option_ca_path", "CURLOPT_CAPATH"),
        ("option_share", "CURLOPT_SHARE"), ("option_private", "CURLOPT_PRIVATE"),
        ("option_open_socket_data", "CURLOPT_OPENSOCKETDATA"), ("option_no_proxy", "CURLOPT_NOPROXY"),
        ("option_close_socket_data", "CURLOPT_CLOSESOCKETDATA"), ("option_protocols_text", "CURLOPT_PROTOCOLS_STR"),
        ("option_write_function", "CURLOPT_WRITEFUNCTION"), ("option_header_function", "CURLOPT_HEADERFUNCTION"),
        ("option_open_socket_function", "CURLOPT_OPENSOCKETFUNCTION"),
        ("option_close_socket_function", "CURLOPT_CLOSESOCKETFUNCTION"), ("option_ssl_version", "CURLOPT_SSLVERSION"),
        ("option_post", "CURLOPT_POST"), ("option_follow_location", "CURLOPT_FOLLOWLOCATION"),
        ("option_post_field_size", "CURLOPT_POSTFIELDSIZE"), ("option_ssl_verify_peer", "CURLOPT_SSL_VERIFYPEER"),
        ("option_ssl_verify_host", "CURLOPT_SSL_VERIFYHOST"), ("option_http_version", "CURLOPT_HTTP_VERSION"),
        ("option_no_signal", "CURLOPT_NOSIGNAL"), ("option_tcp_no_delay", "CURLOPT_TCP_NODELAY"),
        ("option_connect_only", "CURLOPT_CONNECT_ONLY"),
        ("option_timeout_ms", "CURLOPT_TIMEOUT_MS"), ("option_connect_timeout_ms", "CURLOPT_CONNECTTIMEOUT_MS"),
        ("option_tcp_keep_alive", "CURLOPT_TCP_KEEPALIVE"), ("option_path_as_is", "CURLOPT_PATH_AS_IS"),
        ("option_pipe_wait", "CURLOPT_PIPEWAIT"), ("option_max_age_connection", "CURLOPT_MAXAGE_CONN"),
        ("option_suppress_connect_headers", "CURLOPT_SUPPRESS_CONNECT_HEADERS"),
        ("option_quick_exit", "CURLOPT_QUICK_EXIT"), ("multi_option_max_connects", "CURLMOPT_MAXCONNECTS"),
        ("multi_option_max_host_connections", "CURLMOPT_MAX_HOST_CONNECTIONS"),
        ("multi_option_max_concurrent_streams", "CURLMOPT_MAX_CONCURRENT_STREAMS"),
        ("info_private", "CURLINFO_PRIVATE"),
        ("info_http_version", "CURLINFO_HTTP_VERSION"), ("info_pretransfer_time", "CURLINFO_PRETRANSFER_TIME_T"),
        ("info_starttransfer_time", "CURLINFO_STARTTRANSFER_TIME_T"), ("http_version_1_0", "CURL_HTTP_VERSION_1_0"),
        ("http_version_1_1", "CURL_HTTP_VERSION_1_1"), ("http_version_2", "CURL_HTTP_VERSION_2_0"),
        ("http_version_2_tls", "CURL_HTTP_VERSION_2TLS"), ("http_version_3", "CURL_HTTP_VERSION_3"),
        ("ssl_version_tls_1_2", "CURL_SSLVERSION_TLSv1_2"), ("error_size", "CURL_ERROR_SIZE"),
    ]

    private static let isHeaderThere =
        ["/usr/include", "/usr/include/x86_64-linux-gnu", "/usr/include/aarch64-linux-gnu"]
        .contains { FileManager.default.fileExists(atPath: $0 + "/curl/curl.h") }

    private static var isMandatory: Bool { ProcessInfo.processInfo.environment["REQUIRE_REAL_SERVERS"] == "1" }

    @Test(
        "are those of its header", .enabled(if: isHeaderThere || isMandatory, "needs libcurl4-openssl-dev and cc"))
    func numbers() async throws {
        var root = URL(fileURLWithPath: #filePath)
        for _ in 0..<4 { root.deleteLastPathComponent() }
        let include = root.path + "/Sources/CCurl/include"
        let header = try String(contentsOfFile: include + "/CCurl.h", encoding: .utf8)
        let written = Set(
            header.matches(of: /ccurl_(option|multi_option|info|http_version|ssl_version|error)_\w+(?= =)/)
                .map { String($0.0.dropFirst(6)) })
        // The comparison covers all of them.
        #expect(written == Set(Self.names.map(\.0)))

        let folder = try TemporaryFolder("curl")
        let source = folder.path + "/numbers.c"
        let checks = Self.names.map { "_Static_assert(ccurl_\($0) == (int)\($1), \"\($0)\");" }
        let layout = """
            _Static_assert(sizeof(ccurl_list) == sizeof(struct curl_slist), "list");
            _Static_assert(offsetof(ccurl_list, next) == offsetof(struct curl_slist, next), "list");
            _Static_assert(CURLMSG_DONE == 1 && CURL_GLOBAL_ALL == 3, "constants");
            _Static_assert(CURLSHOPT_SHARE == 1 && CURL_LOCK_DATA_SSL_SESSION == 4, "share");
            """
        try (["#include <curl/curl.h>", "#include \"CCurl.h\""] + checks + [layout])
            .joined(separator: "\n").write(toFile: source, atomically: true, encoding: .utf8)
        let compiler = try #require(Tool.find("cc"))
        let program = try RunningProgram(compiler, ["-fsyntax-only", "-I", include, source])
        #expect(try await program.end() == 0, "\(program.errors)")
    }
}
