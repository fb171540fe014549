// swift-tools-version:5.9
import PackageDescription

let package = Package(
    name: "Plimsoll",
    products: [.library(name: "Plimsoll", targets: ["Plimsoll"])],
    targets: [
        // The header of the C interface; the library is linked from where `-Xlinker -L` says.
        .systemLibrary(name: "CPlimsoll"),
        .target(name: "Plimsoll", dependencies: ["CPlimsoll"]),
        // The conformance vectors: `swift run Conformance FOLDER`.
        .executableTarget(name: "Conformance", dependencies: ["Plimsoll"]),
    ]
)
