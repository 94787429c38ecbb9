// swift-tools-version: 6.1

import PackageDescription

let package = Package(
    name: "rigidanalytics-tracker",
    platforms: [.macOS(.v15)],
    products: [
        .library(name: "TrackerCore", targets: ["TrackerCore"]),
        .library(name: "TrackerRouterAdapter", targets: ["TrackerRouterAdapter"]),
        .library(name: "TrackerCGI", targets: ["TrackerCGI"]),
        .executable(name: "DemoRouterApp", targets: ["DemoRouterApp"]),
        .executable(name: "DemoCGIApp", targets: ["DemoCGIApp"]),
        .executable(name: "EventHandler", targets: ["EventHandler"]),
    ],
    dependencies: [],
    targets: [
        // libcurl's prototypes. The library is loaded with dlopen, so building needs nothing installed.
        .target(
            name: "CCurl", dependencies: ["CPlatform"],
            linkerSettings: [.linkedLibrary("dl", .when(platforms: [.linux]))]),

        // zlib's prototypes, likewise.
        .target(
            name: "CZlib", dependencies: ["CPlatform"],
            linkerSettings: [.linkedLibrary("dl", .when(platforms: [.linux]))]),

        // System interfaces that the toolchain's Glibc module leaves out (epoll).
        .target(name: "CPlatform"),

        // The platform's C library under one name.
        .target(name: "CLibrary"),

        .target(name: "TrackerCore", dependencies: ["CCurl", "CLibrary", "CPlatform", "CZlib"]),
        .target(name: "TrackerRouterAdapter", dependencies: ["TrackerCore"]),
        .target(name: "TrackerCGI", dependencies: ["TrackerCore", "CLibrary", "CPlatform", "DemoServer"]),

        // Shared by the demo programs, the event handler and TrackerCGI. Not products.
        .target(name: "DemoServer", dependencies: ["TrackerCore", "CLibrary"]),
        // The page's files are embedded by scripts/embed-page.
        .target(name: "EventReceiver", dependencies: ["DemoServer", "CLibrary"], exclude: ["Page"]),

        .executableTarget(
            name: "DemoRouterApp",
            dependencies: ["TrackerCore", "TrackerRouterAdapter", "DemoServer", "EventReceiver", "CLibrary"]),
        .executableTarget(
            name: "DemoCGIApp", dependencies: ["TrackerCore", "TrackerCGI", "DemoServer", "EventReceiver", "CLibrary"]),
        .executableTarget(
            name: "EventHandler", dependencies: ["TrackerCore", "DemoServer", "EventReceiver", "CLibrary"]),
        .target(name: "AllocationCounter", path: "Benchmarks/AllocationCounter"),
        .executableTarget(
            name: "TrackerBenchmarks",
            dependencies: [
                "TrackerCore", "TrackerRouterAdapter", "DemoServer", "DemoRouterApp", "DemoCGIApp", "AllocationCounter",
                "RelayProcess", "TestSupport",
            ],
            path: "Benchmarks/TrackerBenchmarks"),

        .executableTarget(
            name: "CompareProcess", dependencies: ["TrackerCore", "TrackerRouterAdapter", "CLibrary"],
            path: "Benchmarks/compare/CompareProcess"),

        .target(name: "CSpawn", path: "Tests/CSpawn"),
        .target(name: "TestSupport", dependencies: ["TrackerCore", "CSpawn"], path: "Tests/TestSupport"),
        .testTarget(name: "TrackerCoreTests", dependencies: ["TrackerCore", "TestSupport", "SpoolProcess"]),
        .testTarget(name: "TrackerRouterAdapterTests", dependencies: ["TrackerRouterAdapter", "TestSupport"]),
        // Parsers of hostile input, for the short run in the tests, the long run by hand, and libFuzzer.
        .target(
            name: "FuzzTargets",
            dependencies: ["TrackerCore", "TrackerCGI", "DemoServer", "EventReceiver", "CLibrary"],
            path: "Tests/FuzzTargets"),
        .executableTarget(name: "Fuzzer", dependencies: ["FuzzTargets", "CLibrary"], path: "Tests/Fuzzer"),
        .testTarget(name: "FuzzTests", dependencies: ["FuzzTargets"]),

        // Processes that tests start and kill. Not products.
        .executableTarget(name: "SpoolProcess", dependencies: ["TrackerCore", "CLibrary"], path: "Tests/SpoolProcess"),
        .executableTarget(
            name: "DeliveryProcess", dependencies: ["TrackerCore", "CSpawn", "CLibrary"], path: "Tests/DeliveryProcess"),
        .executableTarget(name: "RelayProcess", dependencies: ["TestSupport"], path: "Tests/RelayProcess"),
        .testTarget(name: "TrackerCGITests", dependencies: ["TrackerCGI", "TrackerCore", "TestSupport"]),
        .testTarget(name: "DemoServerTests", dependencies: ["DemoServer", "EventReceiver", "TestSupport"]),
        .testTarget(
            name: "IntegrationTests",
            dependencies: [
                "TrackerCore", "TrackerRouterAdapter", "DemoServer", "EventReceiver", "DemoRouterApp", "DemoCGIApp",
                "EventHandler", "TestSupport", "DeliveryProcess", "RelayProcess",
            ]),
    ],
    swiftLanguageModes: [.v6]
)
