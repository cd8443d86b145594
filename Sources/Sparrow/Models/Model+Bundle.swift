import SparrowCore
import SparrowFormats

extension Model {
  /// The model as it is deployed: ``deployable(options:blockShape:)`` where it is not yet.
  public func deployed() throws(SparrowError) -> Model {
    isOptimized ? self : try deployable().model
  }

  /// Writes one executable file: the program `runtime` (sparrow-run) and this model, as ``deployed()`` makes it. Throws where the runtime is not a program, or carries a model already.
  public func bundle(withRuntime runtime: String, to path: String) throws(SparrowError) {
    let model = try deployed()
    do throws(FormatError) {
      let program = try Self.program(runtime)
      try Bundle.write(program: program, model: ContainerWriter.bytes(of: model.graph), to: path)
    } catch {
      throw .format(error)
    }
  }

  private static func program(_ path: String) throws(FormatError) -> Bytes {
    let region: Region
    do throws(FileError) {
      region = try Region(mapping: path)
    } catch {
      throw .file(error)
    }
    let bytes = Bytes(region)
    guard bytes.slice(0, min(4, bytes.count)).array(of: UInt8.self) == [0x7f, 0x45, 0x4c, 0x46]
    else {
      throw .unsupported(
        file: path, offset: 0, reason: "this is not a Linux program, expected sparrow-run")
    }
    guard try Bundle.model(in: bytes, file: path) == nil else {
      throw .unsupported(
        file: path, offset: nil,
        reason: "this program carries a model already, expected sparrow-run")
    }
    return bytes
  }
}
