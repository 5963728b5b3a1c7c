package io.linkloom.examples.review;

import io.linkloom.reporter.TraceNode;
import java.io.IOException;
import java.util.List;
import java.util.Map;

/** Looks at pictures. Each method is a step of the link of whoever calls. */
public interface Pictures {
    /** How many there are, and how colourful they are. */
    @TraceNode(nodeName = "picAudit")
    Map<String, Object> audit(String contentId, List<String> pictures) throws IOException;

    /** The texts in them. */
    @TraceNode(nodeName = "ocr")
    Map<String, Object> ocr(String contentId, List<String> pictures) throws IOException;

    /** There is no such picture: no attempt will change that. */
    final class Unknown extends IOException {
        Unknown(String picture) {
            super("there is no picture " + picture);
        }
    }

    /** A picture was not looked at; another attempt may be luckier. */
    final class Failed extends IOException {
        Failed(String picture, Throwable cause) {
            super(picture + " was not looked at", cause);
        }
    }
}
