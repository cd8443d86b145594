import SparrowCore

/// What `main` calls: the exit status is 0 where all went well, and 2 for bad usage and bad input.
@_cdecl("sparrow_run")
public func sparrowRun(
  _ count: Int32, _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>
)
  -> Int32
{
  var words: [String] = []
  for i in 0..<Int(count) {
    if let word = arguments[i] { words.append(String(cString: word)) }
  }
  do throws(RunFailure) {
    try Program(words).run()
    return 0
  } catch {
    Console.error(error.message)
    return 2
  }
}
