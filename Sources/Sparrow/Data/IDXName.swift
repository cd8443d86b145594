import Foundation

/// The name of an IDX file: `train-images-idx3-ubyte`, `t10k-labels.idx1-ubyte`, ... with or without
/// `.gz`.
struct IDXName: Hashable {
  let name: String

  /// Nil where the name is not one of an IDX file.
  init?(_ name: String) {
    let plain = name.lowercased()
    guard plain.contains("idx1") || plain.contains("idx3") || plain.hasSuffix(".idx"),
      !plain.hasSuffix(".npz")
    else { return nil }
    self.name = name
  }

  var isCompressed: Bool { name.hasSuffix(".gz") }
  /// The name without `.gz`.
  var stem: String { isCompressed ? String(name.dropLast(3)) : name }
  var isSamples: Bool { !name.lowercased().contains("labels") && !name.contains("idx1") }

  /// The part that the name tells; nil where it tells none.
  var split: Dataset.Split? {
    let plain = name.lowercased()
    if plain.contains("train") { return .train }
    return plain.contains("t10k") || plain.contains("test") ? .test : nil
  }

  /// The file of labels beside one of images, compressed or not; nil where there is none.
  static func labels(beside path: String) -> String? {
    let folder = path.lastIndex(of: "/").map { String(path[...$0]) } ?? ""
    guard let file = IDXName(String(path.dropFirst(folder.count))) else { return nil }
    let wanted = file.stem.replacingOccurrences(of: "images", with: "labels")
      .replacingOccurrences(of: "idx3", with: "idx1")
    guard wanted != file.stem else { return nil }
    return [wanted, wanted + ".gz"].map { folder + $0 }
      .first { FileManager.default.fileExists(atPath: $0) }
  }
}
