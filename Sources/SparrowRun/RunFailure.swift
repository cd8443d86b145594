import SparrowCore
import SparrowFiles
import SparrowHost
import SparrowRuntime

/// Why the program ends without an answer.
struct RunFailure: Error {
  /// What was found, what was expected, and what to do.
  var message: String

  init(_ message: String) { self.message = message }
}

/// Calls what throws errors of one kind, and gives them to the program as its own.
enum Attempt {
  static func file<T>(_ body: () throws(FormatError) -> T) throws(RunFailure) -> T {
    do throws(FormatError) { return try body() } catch { throw RunFailure(error.message) }
  }

  static func input<T>(
    _ model: String, _ body: () throws(InputError) -> T
  ) throws(RunFailure) -> T {
    do throws(InputError) {
      return try body()
    } catch {
      switch error {
      case .input(let reason): throw RunFailure("\(model): \(reason)")
      case .setting(let reason): throw RunFailure(reason)
      }
    }
  }

  static func runtime<T>(
    _ model: String, _ body: () throws(RuntimeError) -> T
  ) throws(RunFailure) -> T {
    do throws(RuntimeError) {
      return try body()
    } catch {
      throw RunFailure("\(model): \(error.message)")
    }
  }
}
