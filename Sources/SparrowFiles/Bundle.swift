import SparrowCore

/// A program with a model appended: the program, zeros up to a multiple of 64 bytes, the `.sparrow` file, and at
/// the very end 16 bytes: the size of that file as a 64-bit little-endian number, and `SPARROW1`.
public enum Bundle {
  static var footerSize: Int { 16 }
  static var magic: [UInt8] { Array("SPARROW1".utf8) }

  /// The model in a bundle; nil where the file is none.
  public static func model(in whole: Bytes, file: String) throws(FormatError) -> Bytes? {
    guard whole.count > footerSize else { return nil }
    let footer = whole.slice(whole.count - footerSize, footerSize).array(of: UInt8.self)
    guard footer.suffix(magic.count).elementsEqual(magic) else { return nil }
    var size: UInt64 = 0
    for byte in footer.prefix(8).reversed() { size = size << 8 | UInt64(byte) }
    guard let count = Int(exactly: size), count <= whole.count - footerSize else {
      throw .malformed(
        file: file, offset: whole.count - footerSize,
        reason:
          "it should carry a model of \(size) bytes and has \(whole.count) in all: it is damaged")
    }
    return whole.slice(whole.count - footerSize - count, count)
  }

  /// Writes an executable file: the program, then the model.
  public static func write(
    program: Bytes, model: [UInt8], to path: String
  ) throws(FormatError) {
    let file = try AtomicFile(path, isExecutable: true)
    try file.write(program)
    try file.write([UInt8](repeating: 0, count: (64 - program.count % 64) % 64))
    try file.write(model)
    var footer = ByteWriter()
    footer.append(UInt64(model.count))
    footer.append(magic)
    try file.write(footer.bytes)
    try file.commit()
  }
}
