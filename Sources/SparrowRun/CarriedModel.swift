import CPlatform
import SparrowCore

/// A model appended to the program: the program, zeros up to a multiple of 64 bytes, the `.sparrow` file,
/// and at the very end 16 bytes: the file's size as a 64-bit little-endian number, and `SPARROW1`.
struct CarriedModel {
  var bytes: Bytes
  /// For messages.
  var name: String

  private static var footerSize: Int { 16 }
  private static var magic: [UInt8] { Array("SPARROW1".utf8) }

  /// What this program carries; nil where it is the program alone.
  static func find() throws(RunFailure) -> CarriedModel? {
    guard let text = sp_executable_path() else { return nil }
    let path = String(cString: text)
    sp_release_text(text)
    // Where the program cannot be read, it carries nothing that could be.
    guard let region = try? Region(mapping: path) else { return nil }
    let whole = Bytes(region)
    guard whole.count > footerSize else { return nil }
    let footer = whole.slice(whole.count - footerSize, footerSize).array(of: UInt8.self)
    guard footer.suffix(magic.count).elementsEqual(magic) else { return nil }
    var size: UInt64 = 0
    for byte in footer.prefix(8).reversed() { size = size << 8 | UInt64(byte) }
    guard let count = Int(exactly: size), count <= whole.count - footerSize else {
      throw RunFailure(
        "\(path) is damaged: it should carry a model of \(size) bytes and has \(whole.count)")
    }
    return CarriedModel(
      bytes: whole.slice(whole.count - footerSize - count, count), name: "the model in \(path)")
  }
}
