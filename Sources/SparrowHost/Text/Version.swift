/// Sparrow's version (https://semver.org), that of both programs; the library's stands in sparrow.h.
package enum Version {
  package static var text: String { "0.1.0" }
}
