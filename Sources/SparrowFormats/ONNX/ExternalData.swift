import CPlatform
import SparrowCore

/// The files beside a model that hold its weights. Each is mapped once; none may lie outside the
/// model's folder.
struct ExternalData {
  /// The folder of the model; nil where the model does not come from a file.
  let folder: String?
  private var files: [String: Bytes] = [:]

  init(folder: String?) { self.folder = folder }

  /// The `count` bytes of a tensor whose `data_location` is external.
  mutating func bytes(
    _ message: TensorMessage, count: Int, _ source: WireSource
  ) throws(FormatError) -> Bytes {
    let label = message.label
    var location: String?
    var offset = 0
    var length: Int?
    for entry in message.external {
      switch entry.key {
      case "location": location = entry.value
      case "offset": offset = try size(entry, message)
      case "length": length = try size(entry, message)
      default: break  // a checksum, and keys yet to come
      }
    }
    guard let location else {
      throw message.wire.malformed("\(label) is external, but external_data has no location")
    }
    if let length, length != count {
      throw message.wire.malformed(
        "\(label) has \(length) external bytes, its type and shape take \(count)")
    }
    let file = try open(location, message)
    guard offset <= file.count, count <= file.count - offset else {
      throw message.wire.malformed(
        "\(label) takes \(count) bytes from byte \(offset) of '\(location)', which has only "
          + "\(file.count)")
    }
    return file.slice(offset, count)
  }

  private func size(_ entry: MetadataEntry, _ message: TensorMessage) throws(FormatError) -> Int {
    guard let value = Int(entry.value), value >= 0 else {
      throw message.wire.malformed(
        "external_data \(entry.key) of \(message.label) is '\(entry.value)', "
          + "expected a number of bytes")
    }
    return value
  }

  private mutating func open(
    _ location: String, _ message: TensorMessage
  ) throws(FormatError) -> Bytes {
    if let known = files[location] { return known }
    let source = message.wire.source
    guard let folder else {
      throw message.wire.unsupported(
        "\(message.label) lies in '\(location)', and the model was not read from a file")
    }
    try source.check(
      files.count + 1, ONNXLimits.externalFiles, "the number of external files",
      at: message.wire.offset)
    let path = try confined(location, folder, message)
    do {
      let file = Bytes(try Region(mapping: path))
      files[location] = file
      return file
    } catch {
      throw .file(error)
    }
  }

  /// The real path of a location inside the folder. Links may lead about in there, not out.
  private func confined(
    _ location: String, _ folder: String, _ message: TensorMessage
  ) throws(FormatError) -> String {
    let refusal =
      "\(message.label) lies in '\(location)': external data must stay in the "
      + "model's folder"
    let parts = location.split(separator: "/", omittingEmptySubsequences: false)
    guard !location.isEmpty, !location.utf8.contains(0), !location.hasPrefix("/"),
      !parts.contains("..")
    else { throw message.wire.malformed(refusal) }
    let path = folder + "/" + location
    guard let root = Self.realPath(folder), let real = Self.realPath(path) else {
      throw message.wire.malformed(
        "\(message.label) lies in '\(location)', which is not there beside the model")
    }
    guard real.hasPrefix(root == "/" ? root : root + "/") else {
      throw message.wire.malformed(refusal)
    }
    return real
  }

  private static func realPath(_ path: String) -> String? {
    guard let resolved = sp_real_path(path) else { return nil }
    defer { sp_deallocate(resolved) }
    return String(validatingCString: resolved)
  }
}
