import CPlatform
import SparrowCore
import SparrowFiles

/// A model appended to the program, as `sparrow bundle` does.
struct CarriedModel {
  var bytes: Bytes
  /// For messages.
  var name: String

  /// What this program carries; nil where it is the program alone.
  static func find() throws(RunFailure) -> CarriedModel? {
    guard let text = sp_executable_path() else { return nil }
    let path = String(cString: text)
    sp_release_text(text)
    // Where the program cannot be read, it carries nothing that could be.
    guard let region = try? Region(mapping: path) else { return nil }
    let model = try Attempt.file { () throws(FormatError) in
      try Bundle.model(in: Bytes(region), file: path)
    }
    return model.map { CarriedModel(bytes: $0, name: "the model in \(path)") }
  }
}
