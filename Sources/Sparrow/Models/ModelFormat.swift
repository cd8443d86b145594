/// A file format that holds a network.
public enum ModelFormat: String, CaseIterable, Sendable {
  case onnx
  case sparrow

  /// The format that a path's extension names. Throws ``SparrowError/unknownFormat(path:expected:)``.
  public init(path: String) throws(SparrowError) {
    let file = path.split(separator: "/").last ?? ""
    let suffix = file.split(separator: ".", omittingEmptySubsequences: false).dropFirst().last ?? ""
    guard let format = ModelFormat(rawValue: suffix.lowercased()) else {
      let isData = suffix == "npz" || suffix == "npy"
      throw .unknownFormat(
        path: path,
        expected: Self.list + (isData ? "; .\(suffix) files hold data, not a model" : ""))
    }
    self = format
  }

  static var list: String { allCases.map { "." + $0.rawValue }.joined(separator: " or ") }
}
