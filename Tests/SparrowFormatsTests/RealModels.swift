import Foundation
import SparrowTestSupport

/// Models that are too large for the package: in the folder named by `SPARROW_SHARED`, or in
/// `shared` beside the package; `SPARROW_MODELS` may name further folders, separated by colons.
enum RealModels {
  static let paths: [String] = {
    let environment = ProcessInfo.processInfo.environment
    var folders = [Repository.sharedFolder.path]
    folders += (environment["SPARROW_MODELS"] ?? "").split(separator: ":").map { String($0) }
    return folders.flatMap { models(in: $0) }
  }()

  private static func models(in folder: String) -> [String] {
    let files = FileManager.default.enumerator(atPath: folder)?.compactMap { $0 as? String } ?? []
    return files.filter { $0.hasSuffix(".onnx") }.sorted().map { folder + "/" + $0 }
  }
}
