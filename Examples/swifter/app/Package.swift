// swift-tools-version: 6.1

import PackageDescription

// Not in a folder named "swifter": a package's identity is its folder's name, so it would shadow the framework.
let package = Package(
    name: "swifter-example",
    platforms: [.macOS(.v15)],
    dependencies: [
        .package(url: "https://github.com/httpswift/swifter.git", from: "1.5.0"),
        // In your app: .package(url: "…", branch: "main"), as this package's README says.
        .package(name: "rigidanalytics-tracker", path: "../../.."),
    ],
    targets: [
        .executableTarget(
            name: "App",
            dependencies: [
                .product(name: "Swifter", package: "swifter"),
                .product(name: "TrackerCore", package: "rigidanalytics-tracker"),
                .product(name: "TrackerRouterAdapter", package: "rigidanalytics-tracker"),
            ])
    ],
    swiftLanguageModes: [.v6]
)
