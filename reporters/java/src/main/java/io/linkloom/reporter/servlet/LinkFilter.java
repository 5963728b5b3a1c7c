package io.linkloom.reporter.servlet;

import io.linkloom.reporter.Baggage;
import io.linkloom.reporter.LinkContext;
import io.linkloom.reporter.LinkScope;
import io.linkloom.reporter.core.Warnings;
import jakarta.servlet.Filter;
import jakarta.servlet.FilterChain;
import jakarta.servlet.ServletException;
import jakarta.servlet.ServletRequest;
import jakarta.servlet.ServletResponse;
import jakarta.servlet.http.HttpServletRequest;
import java.io.IOException;
import java.util.Collections;
import java.util.Enumeration;

/** Works for the execution a request carries, on the thread of the request (jakarta.servlet 5 and later). */
public class LinkFilter implements Filter {
    private static final String ATTRIBUTE = LinkFilter.class.getName();

    @Override
    public void doFilter(ServletRequest request, ServletResponse response, FilterChain chain) throws IOException, ServletException {
        try (LinkScope scope = context(request).enter()) {
            chain.doFilter(request, response);
        }
    }

    /** What the request carries; kept for its later dispatches (async, error), whose threads differ. */
    private static LinkContext context(ServletRequest request) {
        try {
            Object known = request.getAttribute(ATTRIBUTE);
            if (known instanceof LinkContext) {
                return (LinkContext) known;
            }
            if (!(request instanceof HttpServletRequest)) {
                return LinkContext.NONE;
            }
            HttpServletRequest http = (HttpServletRequest) request;
            LinkContext context = Baggage.read(name -> {
                Enumeration<String> values = http.getHeaders(name);
                return values == null || !values.hasMoreElements() ? null : String.join(",", Collections.list(values));
            });
            request.setAttribute(ATTRIBUTE, context);
            return context;
        } catch (Throwable e) {
            Warnings.once("servlet", "the context could not be read from a request", e);
            return LinkContext.NONE;
        }
    }
}
