import SparrowCompress

extension HeadSettings: Codable {
  enum CodingKeys: String, CodingKey, CaseIterable { case classes, features }

  public init(from decoder: any Decoder) throws {
    let keys = try decoder.strictContainer(keyedBy: CodingKeys.self)
    self.init(
      classes: try keys.decode(Int.self, forKey: .classes),
      features: try keys.decodeIfPresent(String.self, forKey: .features))
  }

  public func encode(to encoder: any Encoder) throws {
    var keys = encoder.container(keyedBy: CodingKeys.self)
    try keys.encode(classes, forKey: .classes)
    try keys.encodeIfPresent(features, forKey: .features)
  }
}
