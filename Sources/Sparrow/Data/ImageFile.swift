import CImages
import SparrowCore
import SparrowFormats

/// JPEG and PNG pictures.
enum ImageFile {
  static let suffixes = ["jpg", "jpeg", "png"]

  /// Whether the name is one of a picture that can be read.
  static func isImage(_ name: String) -> Bool {
    guard let dot = name.lastIndex(of: ".") else { return false }
    return suffixes.contains(name[name.index(after: dot)...].lowercased())
  }

  /// Decodes the file at `path`: 8-bit red, green, blue, rows from the top.
  static func read(_ path: String) throws(FormatError) -> (pixels: Bytes, size: ImageSize) {
    let bytes: Bytes
    do throws(FileError) {
      bytes = Bytes(try Region(mapping: path))
    } catch {
      throw .file(error)
    }
    return try decode(bytes, file: path)
  }

  /// Decodes a picture that is in memory already; `file` is for messages.
  static func decode(
    _ bytes: Bytes, file: String
  ) throws(FormatError) -> (pixels: Bytes, size: ImageSize) {
    defer { withExtendedLifetime(bytes) {} }
    var message = [CChar](repeating: 0, count: Int(SI_MESSAGE_SIZE))
    var (width, height): (UInt32, UInt32) = (0, 0)
    let found = si_size(bytes.pointer, bytes.count, &width, &height, &message)
    guard found == SI_OK else { throw error(found, message, file) }
    guard let region = Region(available: 3 * Int(width) * Int(height)) else {
      throw error(SI_NO_MEMORY, message, file)
    }
    let target = region.base.assumingMemoryBound(to: UInt8.self)
    let decoded = si_decode(bytes.pointer, bytes.count, width, height, target, &message)
    guard decoded == SI_OK else { throw error(decoded, message, file) }
    return (Bytes(region), ImageSize(width: Int(width), height: Int(height)))
  }

  private static func error(
    _ result: si_result, _ message: [CChar], _ file: String
  ) -> FormatError {
    let said = String(
      decoding: message.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    let reason: String
    switch result {
    case SI_UNKNOWN: reason = "it is neither a JPEG nor a PNG file"
    case SI_TOO_LARGE: reason = "the image has more than \(SI_LARGEST_PIXELS) pixels"
    case SI_NO_MEMORY: reason = "there is no memory for the image"
    default: reason = "the image is damaged: \(said)"
    }
    return .malformed(file: file, offset: nil, reason: reason)
  }
}
